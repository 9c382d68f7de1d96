// One member of a classic group: what it said when it joined, what it was assigned, and whether it waits for an answer.

import type { JoinGroupResponse } from '../../protocol/messages/join-group.ts';
import type { SyncGroupResponse } from '../../protocol/messages/sync-group.ts';
import type { Writable } from '../../protocol/schema.ts';

export type JoinReply = (response: Writable<JoinGroupResponse>) => void;
export type SyncReply = (response: Writable<SyncGroupResponse>) => void;

/** An assignment strategy that the member knows, with its subscription in that strategy's form. */
export type MemberProtocol = { readonly name: string; readonly metadata: Buffer };

export type MemberFacts = {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  /** As Kafka keeps it: `/127.0.0.1`. */
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
};

export const noAssignment = Buffer.alloc(0);

export class ClassicGroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly protocolType: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In order of preference. */
  protocols: readonly MemberProtocol[];
  assignment: Buffer = noAssignment;
  /** Joined for the first time and not answered yet: it has no id to send heartbeats with. */
  isNew = false;
  /** Set through the group only, which counts them. */
  joinReply: JoinReply | null = null;
  syncReply: SyncReply | null = null;

  constructor(facts: MemberFacts) {
    this.memberId = facts.memberId;
    this.groupInstanceId = facts.groupInstanceId;
    this.clientId = facts.clientId;
    this.clientHost = facts.clientHost;
    this.protocolType = facts.protocolType;
    this.rebalanceTimeoutMs = facts.rebalanceTimeoutMs;
    this.sessionTimeoutMs = facts.sessionTimeoutMs;
    this.protocols = facts.protocols;
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null;
  }

  get isAwaitingJoin(): boolean {
    return this.joinReply !== null;
  }

  get isAwaitingSync(): boolean {
    return this.syncReply !== null;
  }

  /** Whoever waits for an answer of ours shows by that that it lives, unless it never had one. */
  get isExcusedFromHeartbeat(): boolean {
    return !this.isNew && (this.isAwaitingJoin || this.isAwaitingSync);
  }

  /** Its subscription under a protocol; null when it does not know the protocol. */
  metadata(protocolName: string): Buffer | null {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? null;
  }

  /** Its favourite among the candidates. */
  vote(candidates: ReadonlySet<string>): string | null {
    return this.protocols.find(({ name }) => candidates.has(name))?.name ?? null;
  }

  matches(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, index) => {
        const mine = this.protocols[index];
        return mine !== undefined && mine.name === name && mine.metadata.equals(metadata);
      })
    );
  }
}

/** Copies: what a request brings is a view on its frame, and members outlive frames. */
export function keepProtocols(protocols: readonly { name: string; metadata: Buffer }[]): MemberProtocol[] {
  // The same name twice counts once, as in Kafka's collection.
  const byName = new Map<string, MemberProtocol>();
  for (const { name, metadata } of protocols) {
    if (!byName.has(name)) byName.set(name, { name, metadata: Buffer.from(metadata) });
  }
  return [...byName.values()];
}
