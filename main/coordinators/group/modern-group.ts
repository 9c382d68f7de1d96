// A streams group as its records describe it. This broker does not speak that protocol; it keeps what another Kafka
// wrote, shows it, and lets go of it.

import { ErrorCode } from '../../protocol/errors.ts';
import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';

export type ModernRecord = Exclude<
  GroupCoordinatorRecord,
  { name: 'LegacyOffsetCommit' | 'OffsetCommit' | 'GroupMetadata' | `ConsumerGroup${string}` | `ShareGroup${string}` }
>;

/** `MemberState` of Kafka's records: 0 is stable. */
const stableMemberState = 0;
/** From here on a stale member epoch has an error of its own. */
const staleEpochFrom = 9;
const tombstoneVersion = -1;

export class ModernGroup {
  readonly type = 'streams';
  readonly protocolType = 'streams';
  readonly groupId: string;
  /** The newest record of each key, by what tells keys of one group apart. */
  readonly #records: Map<string, ModernRecord>;

  constructor(groupId: string, records: Iterable<[string, ModernRecord]> = []) {
    this.groupId = groupId;
    this.#records = new Map(records);
  }

  clone(): ModernGroup {
    return new ModernGroup(this.groupId, this.#records);
  }

  apply(record: ModernRecord): void {
    const key = recordKey(record);
    if (record.value === null) this.#records.delete(key);
    else this.#records.set(key, record);
  }

  get epoch(): number {
    for (const record of this.#records.values()) {
      switch (record.name) {
        case 'StreamsGroupMetadata':
          return record.value?.epoch ?? 0;
        default:
      }
    }
    return 0;
  }

  get memberIds(): string[] {
    const ids: string[] = [];
    for (const record of this.#records.values()) if (isMember(record)) ids.push(record.key.memberId);
    return ids;
  }

  get isEmpty(): boolean {
    for (const record of this.#records.values()) if (isMember(record)) return false;
    return true;
  }

  get state(): string {
    if (this.isEmpty) return 'Empty';
    const assignmentEpoch = this.#assignmentEpoch();
    if (this.epoch > assignmentEpoch) return 'Assigning';
    for (const memberId of this.memberIds) {
      const current = this.#current(memberId);
      if (current?.state !== stableMemberState || current.memberEpoch !== assignmentEpoch) return 'Reconciling';
    }
    return 'Stable';
  }

  member(memberId: string): { clientId: string; clientHost: string } | null {
    for (const record of this.#records.values()) {
      if (isMember(record) && record.key.memberId === memberId) return record.value;
    }
    return null;
  }

  /** Which topics a topology reads is not kept here. */
  isSubscribedTo(): boolean {
    return false;
  }

  /** Throws when a commit with this member epoch can't be taken. */
  validateOffsetCommit(memberId: string, memberEpoch: number, apiVersion: number): void {
    if (memberEpoch < 0 && this.isEmpty) return;
    const current = this.#current(memberId);
    if (current === null) throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
    if (current.memberEpoch === memberEpoch) return;
    throw new CoordinatorError(
      apiVersion >= staleEpochFrom ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.UNSUPPORTED_VERSION,
    );
  }

  /** No member id and epoch: an admin client, or one that does not tell. */
  validateOffsetFetch(memberId: string | null, memberEpoch: number): void {
    if (memberId === null && memberEpoch < 0) return;
    const current = this.#current(memberId ?? '');
    if (current === null) throw new CoordinatorError(ErrorCode.UNKNOWN_MEMBER_ID);
    if (current.memberEpoch !== memberEpoch) throw new CoordinatorError(ErrorCode.STALE_MEMBER_EPOCH);
  }

  /** Records that remove the group: the group's own last, since with it the group is gone. */
  tombstones(): ModernRecord[] {
    const records = [...this.#records.values()];
    const rest = records.filter((record) => !isGroupRecord(record));
    return [...rest, ...records.filter(isGroupRecord)].map(tombstoneOf);
  }

  /** Records that remove a member whose session is over, and begin a new epoch. */
  fence(memberId: string): ModernRecord[] {
    const gone: ModernRecord[] = [];
    let epoch: ModernRecord | null = null;
    for (const record of this.#records.values()) {
      if ('memberId' in record.key && record.key.memberId === memberId) gone.push(tombstoneOf(record));
      if (isGroupRecord(record)) epoch = nextEpoch(record);
    }
    // As Kafka orders them: what the member holds, what it was meant to hold, who it is.
    gone.sort((a, b) => removalRank(a) - removalRank(b));
    return epoch === null ? gone : [...gone, epoch];
  }

  #assignmentEpoch(): number {
    for (const record of this.#records.values()) {
      switch (record.name) {
        case 'StreamsGroupTargetAssignmentMetadata':
          return record.value?.assignmentEpoch ?? 0;
        default:
      }
    }
    return 0;
  }

  #current(memberId: string): { readonly memberEpoch: number; readonly state: number } | null {
    for (const record of this.#records.values()) {
      switch (record.name) {
        case 'StreamsGroupCurrentMemberAssignment':
          if (record.key.memberId === memberId) return record.value;
          break;
        default:
      }
    }
    return null;
  }
}

/** Whether a tombstone of this record means that the group itself is gone. */
export function isGroupRecord(record: ModernRecord): boolean {
  return record.name === 'StreamsGroupMetadata';
}

type MemberRecord = Extract<ModernRecord, { name: 'StreamsGroupMemberMetadata' }>;

function isMember(record: ModernRecord): record is MemberRecord {
  return record.name === 'StreamsGroupMemberMetadata';
}

function recordKey(record: ModernRecord): string {
  const { name, key } = record;
  if ('memberId' in key) return `${name}\0${key.memberId}`;
  return name;
}

function tombstoneOf(record: ModernRecord): ModernRecord {
  return { ...record, valueVersion: tombstoneVersion, value: null };
}

function removalRank({ name }: ModernRecord): number {
  if (name.endsWith('CurrentMemberAssignment')) return 0;
  return name.endsWith('TargetAssignmentMember') ? 1 : 2;
}

function nextEpoch(record: ModernRecord): ModernRecord | null {
  switch (record.name) {
    case 'StreamsGroupMetadata':
      return record.value === null ? null : { ...record, value: { ...record.value, epoch: record.value.epoch + 1 } };
    default:
      return null;
  }
}
