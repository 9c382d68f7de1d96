// What the nodes of the metadata quorum last said of themselves: whether all of them hold the leader's log.

import type { QuorumReport } from '../../main/broker/contract.ts';

export class QuorumWatch {
  readonly #last = new Map<number, QuorumReport>();
  readonly #onHighWatermark: (highWatermark: number) => void;

  constructor(onHighWatermark: (highWatermark: number) => void) {
    this.#onHighWatermark = onHighWatermark;
  }

  onReport(node: number, report: QuorumReport): void {
    this.#last.set(node, report);
    if (report.highWatermark !== null) this.#onHighWatermark(report.highWatermark);
  }

  /** One leads, the others follow it, and all have committed all that it has. */
  isWhole(nodes: readonly number[]): boolean {
    const reports = nodes.map((node) => this.#last.get(node));
    const leader = reports.find((report) => report?.role === 'leader');
    if (leader === undefined || leader.highWatermark !== leader.logEndOffset) return false;
    return reports.every(
      (report) =>
        report?.epoch === leader.epoch &&
        report.leaderId === leader.leaderId &&
        report.logEndOffset === leader.logEndOffset &&
        report.highWatermark === leader.highWatermark,
    );
  }
}
