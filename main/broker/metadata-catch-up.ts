// Waits until this node has read all metadata that is known to be committed. A broker must act on the present, not
// replay history: an old leader in an old record would make it create, truncate and delete what is long settled.

import type { MetadataLoader } from '../metadata/metadata-loader.ts';
import type { LeaderAndEpoch, RaftListener } from '../raft/contract.ts';

/** A raft listener to be registered after the loader; `whenCaughtUp` resolves once. */
export class MetadataCatchUp<R> implements RaftListener<R> {
  readonly whenCaughtUp: Promise<void>;
  readonly #highWatermark: () => number | null;
  readonly #loader: MetadataLoader;
  #resolve: () => void = () => undefined;

  constructor(loader: MetadataLoader, highWatermark: () => number | null) {
    this.#loader = loader;
    this.#highWatermark = highWatermark;
    this.whenCaughtUp = new Promise((resolve) => (this.#resolve = resolve));
  }

  onCommit(): void {
    this.check();
  }

  onSnapshot(): void {
    this.check();
  }

  onLeaderChange(_leader: LeaderAndEpoch): void {
    this.check();
  }

  onShutdown(): void {}

  check(): void {
    const highWatermark = this.#highWatermark();
    // The first committed thing of a new cluster is its leader's change record: before it there is nothing to read.
    if (highWatermark !== null && highWatermark > 0 && this.#loader.lastOffset + 1 >= highWatermark) this.#resolve();
  }
}
