// Who votes: fixed by configuration at kraft.version 0, or by the last voters record of the log from 1 on. Pure.

import { assert } from '../core/assert.ts';
import type { Voter } from './contract.ts';

export class VoterSet {
  readonly voters: readonly Voter[];
  readonly #byId: ReadonlyMap<number, Voter>;

  constructor(voters: readonly Voter[]) {
    this.voters = [...voters].sort((a, b) => a.id - b.id);
    this.#byId = new Map(this.voters.map((voter) => [voter.id, voter]));
    assert(this.#byId.size === voters.length, 'a voter id stands twice in the voter set');
  }

  get ids(): readonly number[] {
    return this.voters.map((voter) => voter.id);
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  get(id: number): Voter | null {
    return this.#byId.get(id) ?? null;
  }
}

/** Reads `controller.quorum.voters`: `1@localhost:9093,2@localhost:9094`. Throws an Error that names the bad part. */
export function parseQuorumVoters(text: string, toVoter: (id: number, host: string, port: number) => Voter): Voter[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^(\d+)@(\[[^\]]+\]|[^:]+):(\d+)$/.exec(part);
      if (match === null) throw new Error(`controller.quorum.voters: "${part}" is not of the form id@host:port`);
      const [, id = '', host = '', port = ''] = match;
      return toVoter(Number(id), host.replace(/^\[|\]$/g, ''), Number(port));
    });
}
