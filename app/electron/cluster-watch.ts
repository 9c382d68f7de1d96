// What the tray, the window's title and the notifications need of the cluster, folded from the same snapshot and
// deltas that the page gets. Pure.

import type { DrillProgress } from '../../main/api/drill-views.ts';
import type { ClusterDelta, ClusterView, JournalEvent } from '../../main/api/views.ts';

export type Standing = {
  readonly state: ClusterView['state'];
  readonly brokersUp: number;
  readonly brokerCount: number;
  readonly bootstrap: string;
};

/** What a person who looks elsewhere should be told. */
export type Alert = { readonly title: string; readonly body: string; readonly hash: string };

export class ClusterWatch {
  readonly #brokerUp = new Map<number, boolean>();
  #state: ClusterView['state'];
  #bootstrap: string;

  constructor(view: ClusterView) {
    this.#state = view.state;
    this.#bootstrap = view.bootstrap;
    for (const { id, process } of view.brokers) this.#brokerUp.set(id, process === 'running');
  }

  standing(): Standing {
    const brokersUp = [...this.#brokerUp.values()].filter(Boolean).length;
    return { state: this.#state, brokersUp, brokerCount: this.#brokerUp.size, bootstrap: this.#bootstrap };
  }

  /** Takes a delta; returns what is worth an alert. */
  apply(delta: ClusterDelta): Alert[] {
    const before = this.#state;
    this.#state = delta.cluster?.state ?? this.#state;
    this.#bootstrap = delta.cluster?.bootstrap ?? this.#bootstrap;
    for (const { id, process } of delta.brokers ?? []) this.#brokerUp.set(id, process === 'running');
    const alerts = (delta.events ?? []).flatMap(alertOf);
    if (this.#state === 'failed' && before !== 'failed') {
      const body = delta.cluster?.problem ?? 'See what happened on the Cluster screen.';
      alerts.push({ title: 'The cluster failed', body, hash: '#/cluster' });
    }
    return alerts;
  }
}

function alertOf({ entry }: JournalEvent): Alert[] {
  if (entry.kind === 'process.exited' && !entry.wanted) {
    const how = entry.signal === null ? `with code ${entry.code}` : `by ${entry.signal}`;
    return [{ title: `Broker ${entry.brokerId} died`, body: `Its process ended ${how}.`, hash: '#/events' }];
  }
  if (entry.kind === 'log.directoryFailed') {
    return [{ title: 'A log directory failed', body: `${entry.directory}: ${entry.reason}`, hash: '#/events' }];
  }
  return [];
}

/** Told when a drill ends; null while it runs. */
export function drillAlert({ isOver, state, title, runId }: DrillProgress): Alert | null {
  if (!isOver) return null;
  const verdicts: Partial<Record<DrillProgress['state'], string>> = {
    passed: 'What was expected held.',
    failed: 'Something that was expected did not hold.',
    aborted: 'It was ended before its verdict.',
  };
  return { title: `Drill over: ${title}`, body: verdicts[state] ?? 'It has ended.', hash: `#/drills/runs/${runId}` };
}

/** One line for the tray and the window. */
export function standingText({ state, brokersUp, brokerCount }: Standing): string {
  const words = { starting: 'starting', ready: 'ready', degraded: 'degraded', stopping: 'stopping', failed: 'failed' };
  return `${words[state]}, ${brokersUp} of ${brokerCount} brokers up`;
}
