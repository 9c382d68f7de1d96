// Who votes: fixed by configuration at kraft.version 0, or by the last voters record of the log from 1 on (KIP-853).
// A voter is named by its id and its directory's: the same id on another disk is another replica. Pure.

import { assert } from '../core/assert.ts';
import { toBrokerId } from '../core/ids.ts';
import type { VotersRecord } from '../protocol/messages/control-records.ts';
import { zeroUuid } from '../protocol/uuid.ts';
import type { Voter } from './contract.ts';

/** Names a replica; the directory is null where it is not known (kraft.version 0, old requests). */
export type ReplicaKey = { readonly id: number; readonly directoryId: string | null };

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

  /** Without a directory in the set the id alone decides; with one, the replica must name it. */
  isVoter({ id, directoryId }: ReplicaKey): boolean {
    const voter = this.#byId.get(id);
    if (voter === undefined) return false;
    return isUnknown(voter.directoryId) || voter.directoryId === directoryId;
  }

  /** Null when the id is taken. */
  withVoter(voter: Voter): VoterSet | null {
    return this.has(voter.id) ? null : new VoterSet([...this.voters, voter]);
  }

  /** Null when there is no such voter, or it is the last one. */
  withoutVoter({ id, directoryId }: ReplicaKey): VoterSet | null {
    const voter = this.#byId.get(id);
    if (voter === undefined || (voter.directoryId ?? null) !== directoryId || this.voters.length === 1) return null;
    return new VoterSet(this.voters.filter((other) => other.id !== id));
  }

  /** Null when there is no voter of this id and directory. */
  withUpdatedVoter(voter: Voter): VoterSet | null {
    const { id, directoryId = null } = voter;
    if (!this.isVoter({ id, directoryId })) return null;
    return new VoterSet(this.voters.map((other) => (other.id === id ? voter : other)));
  }

  /** As Kafka prints voter keys in its messages. */
  keysText(): string {
    return `[${this.voters.map(({ id, directoryId }) => replicaKeyText({ id, directoryId: directoryId ?? null })).join(', ')}]`;
  }
}

function isUnknown(directoryId: string | null | undefined): boolean {
  return directoryId === undefined || directoryId === null || directoryId === zeroUuid;
}

/** The zero uuid stands for "not known" on the wire. */
export function replicaKeyOf(id: number, directoryId: string): ReplicaKey {
  return { id, directoryId: isUnknown(directoryId) ? null : directoryId };
}

export function replicaKeyText({ id, directoryId }: ReplicaKey): string {
  return `ReplicaKey(id=${id}, directoryId=${directoryId ?? '<undefined>'})`;
}

/** Whether what the log says of a voter is what the voter says of itself. */
export function isSameVoter(a: Voter, b: Voter): boolean {
  const endpointsText = ({ endpoints = [] }: Voter): string =>
    endpoints
      .map(({ name, host, port }) => `${name}://${host}:${port}`)
      .sort()
      .join();
  return (
    a.id === b.id &&
    a.directoryId === b.directoryId &&
    endpointsText(a) === endpointsText(b) &&
    a.kraftVersions?.min === b.kraftVersions?.min &&
    a.kraftVersions?.max === b.kraftVersions?.max
  );
}

export function toVotersRecord(voters: VoterSet): VotersRecord {
  return {
    version: 0,
    voters: voters.voters.map(({ id, directoryId = zeroUuid, endpoints = [], kraftVersions }) => ({
      voterId: id,
      voterDirectoryId: directoryId,
      endpoints: endpoints.map(({ name, host, port }) => ({ name, host, port })),
      kRaftVersionFeature: {
        minSupportedVersion: kraftVersions?.min ?? 0,
        maxSupportedVersion: kraftVersions?.max ?? 0,
      },
    })),
  };
}

/** Voters are reached at the endpoint of `listenerName`, or at their first. */
export function fromVotersRecord(record: VotersRecord, listenerName: string): VoterSet {
  return new VoterSet(
    record.voters.map(({ voterId, voterDirectoryId, endpoints, kRaftVersionFeature }) => {
      const endpoint = endpoints.find(({ name }) => name === listenerName) ?? endpoints[0];
      const { minSupportedVersion: min, maxSupportedVersion: max } = kRaftVersionFeature;
      return {
        id: toBrokerId(voterId),
        host: endpoint?.host ?? '',
        port: endpoint?.port ?? 0,
        directoryId: voterDirectoryId,
        endpoints,
        kraftVersions: { min, max },
      };
    }),
  );
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
