// How a client finds the way again after an error: which leader it knew, what each metadata answer named, and when a
// record was acknowledged again. Told per partition, for whoever draws it. Bounded by the partitions written to.

export type LeaderSearchEvent =
  /** A metadata answer: `leader` is whom it names, −1 nobody. */
  | {
      readonly type: 'refreshed';
      readonly topic: string;
      readonly partition: number;
      readonly leader: number;
      readonly isNew: boolean;
    }
  | { readonly type: 'recovered'; readonly topic: string; readonly partition: number };

type Search = { readonly topic: string; readonly partition: number; leader: number };

export class LeaderSearch {
  readonly #searches = new Map<string, Search>();

  /** An attempt failed; `leader` is whom the client took for it. */
  failed(topic: string, partition: number, leader: number): void {
    const key = `${topic}-${partition}`;
    if (!this.#searches.has(key)) this.#searches.set(key, { topic, partition, leader });
  }

  /** Metadata came in. */
  refreshed(leaderOf: (topic: string, partition: number) => number): LeaderSearchEvent[] {
    return [...this.#searches.values()].map((search) => {
      const { topic, partition } = search;
      const leader = leaderOf(topic, partition);
      const isNew = leader >= 0 && leader !== search.leader;
      search.leader = leader;
      return { type: 'refreshed', topic, partition, leader, isNew };
    });
  }

  acknowledged(topic: string, partition: number): LeaderSearchEvent[] {
    return this.#searches.delete(`${topic}-${partition}`) ? [{ type: 'recovered', topic, partition }] : [];
  }
}
