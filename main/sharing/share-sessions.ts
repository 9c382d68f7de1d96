// Share sessions (KIP-932): which partitions a member of a share group reads from this broker, kept between its
// requests. A session ends with the connection that opened it, or when the member says so.

import { ErrorCode } from '../protocol/errors.ts';

export type SessionPartition = { readonly topicId: string; readonly partition: number };

type Session = {
  readonly groupId: string;
  readonly memberId: string;
  readonly connectionId: string;
  epoch: number;
  readonly partitions: Map<string, SessionPartition>;
};

export type SessionRequest = {
  readonly groupId: string;
  readonly memberId: string;
  readonly epoch: number;
  readonly connectionId: string;
  /** To be read from now on. */
  readonly added: readonly SessionPartition[];
  readonly forgotten: readonly SessionPartition[];
  readonly hasAcknowledgements: boolean;
};

export const initialEpoch = 0;
export const finalEpoch = -1;
const epochMax = 0x7fff_ffff;

export class ShareSessions {
  readonly #sessions = new Map<string, Session>();
  /** The session that a connection opened last. */
  readonly #byConnection = new Map<string, string>();
  readonly #sessionsMax: () => number;

  constructor(sessionsMax: () => number) {
    this.#sessionsMax = sessionsMax;
  }

  /** What a ShareFetch reads, or the error code that speaks against it. */
  fetch(request: SessionRequest): readonly SessionPartition[] | number {
    const { groupId, memberId, epoch, connectionId, added, forgotten } = request;
    const key = keyOf(groupId, memberId);
    const known = this.#sessions.get(key);
    if (epoch === finalEpoch) return known === undefined ? ErrorCode.SHARE_SESSION_NOT_FOUND : [];
    if (epoch === initialEpoch) {
      if (request.hasAcknowledgements) return ErrorCode.INVALID_REQUEST;
      if (known !== undefined) this.#remove(key, known);
      if (this.#sessions.size >= this.#sessionsMax()) return ErrorCode.SHARE_SESSION_LIMIT_REACHED;
      const partitions = new Map(added.map((each) => [partitionKey(each), each]));
      this.#sessions.set(key, { groupId, memberId, connectionId, epoch: nextEpoch(initialEpoch), partitions });
      this.#byConnection.set(connectionId, key);
      return [...partitions.values()];
    }
    if (known === undefined) return ErrorCode.SHARE_SESSION_NOT_FOUND;
    if (known.epoch !== epoch) return ErrorCode.INVALID_SHARE_SESSION_EPOCH;
    for (const each of added) known.partitions.set(partitionKey(each), each);
    for (const each of forgotten) known.partitions.delete(partitionKey(each));
    known.epoch = nextEpoch(epoch);
    return [...known.partitions.values()];
  }

  /** A ShareAcknowledge counts as a request of the session. NONE, or what speaks against it. */
  acknowledge(groupId: string, memberId: string, epoch: number): number {
    if (epoch === initialEpoch) return ErrorCode.INVALID_SHARE_SESSION_EPOCH;
    const known = this.#sessions.get(keyOf(groupId, memberId));
    if (known === undefined) return ErrorCode.SHARE_SESSION_NOT_FOUND;
    if (epoch === finalEpoch) return ErrorCode.NONE;
    if (known.epoch !== epoch) return ErrorCode.INVALID_SHARE_SESSION_EPOCH;
    known.epoch = nextEpoch(epoch);
    return ErrorCode.NONE;
  }

  /** What was delivered is served last by the next request, so that a busy partition does not starve the others. */
  delivered(groupId: string, memberId: string, partitions: readonly SessionPartition[]): void {
    const session = this.#sessions.get(keyOf(groupId, memberId));
    if (session === undefined) return;
    for (const each of partitions) {
      const key = partitionKey(each);
      if (session.partitions.delete(key)) session.partitions.set(key, each);
    }
  }

  /** Ends a session; null when there is none. */
  close(groupId: string, memberId: string): readonly SessionPartition[] | null {
    const key = keyOf(groupId, memberId);
    const session = this.#sessions.get(key);
    if (session === undefined) return null;
    this.#remove(key, session);
    return [...session.partitions.values()];
  }

  /** Whose session ends with this connection; null when it has none. */
  memberOf(connectionId: string): { readonly groupId: string; readonly memberId: string } | null {
    const key = this.#byConnection.get(connectionId);
    const session = key === undefined ? undefined : this.#sessions.get(key);
    // The member may have opened another one over a newer connection.
    return session?.connectionId === connectionId ? session : null;
  }

  connectionClosed(connectionId: string): void {
    this.#byConnection.delete(connectionId);
  }

  hasMembers(groupId: string): boolean {
    for (const session of this.#sessions.values()) if (session.groupId === groupId) return true;
    return false;
  }

  #remove(key: string, session: Session): void {
    this.#sessions.delete(key);
    if (this.#byConnection.get(session.connectionId) === key) this.#byConnection.delete(session.connectionId);
  }
}

function nextEpoch(epoch: number): number {
  return epoch === epochMax ? 1 : epoch + 1;
}

/** A group id may hold any character but not this one's place in a member id. */
function keyOf(groupId: string, memberId: string): string {
  return `${groupId}\0${memberId}`;
}

function partitionKey({ topicId, partition }: SessionPartition): string {
  return `${topicId}:${partition}`;
}
