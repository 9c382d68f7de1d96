// Subscriptions by regular expression (KIP-848): resolved by the coordinator, off the heartbeat that brings them, all
// of a group together so that they cause one rebalance, and again when there are new topics or after some time.

import type { GroupCoordinatorRecord } from '../../protocol/messages/group-coordinator-records.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { CoordinatorError } from '../runtime/coordinator-error.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { sameNames } from './consumer-group-member.ts';
import { regexRecord, regexTombstone, type ResolvedRegex } from './consumer-group-records.ts';
import type { ConsumerMembership } from './consumer-membership.ts';
import type { Progress } from './consumer-progress.ts';
import type { ClientIdentity, GroupContext } from './group-context.ts';
import { type GroupDecision, nothing } from './group-records.ts';
import { membersAfter, type MetadataHashes, subscriptionOf } from './group-subscription.ts';
import { compileTopicRegex, InvalidRegex, type TopicRegex } from '../../core/topic-regex.ts';

/** changed: the member's expression is another one, not resolved yet; resolved: its topics are known already. */
export type RegexChange = 'none' | 'changed' | 'resolved';

/** A group's expressions are not resolved more often than this; Kafka's. */
const refreshMinIntervalMs = 10_000;

export class RegexSubscriptions {
  readonly #context: GroupContext;
  readonly #membership: ConsumerMembership;
  readonly #hashes: MetadataHashes;
  /** Offset of the metadata in which a topic was last seen for the first time. */
  #newTopicsVersion = 0;

  constructor(context: GroupContext, membership: ConsumerMembership, hashes: MetadataHashes) {
    this.#context = context;
    this.#membership = membership;
    this.#hashes = hashes;
  }

  onNewTopics(version: number): void {
    this.#newTopicsVersion = version;
  }

  /** `mayDescribe`: topics that the member may find; null: all. Throws INVALID_REGULAR_EXPRESSION. */
  update(progress: Progress, mayDescribe: ClientIdentity['mayDescribe']): RegexChange {
    const { group, before, after, records } = progress;
    const was = before.subscribedTopicRegex;
    const is = after.subscribedTopicRegex;
    const subscribers = (regex: string): number => countOf(group, regex);
    let change: RegexChange = 'none';
    let isUnknown = false;
    if (was !== is) {
      change = 'changed';
      if (was !== '' && subscribers(was) === 1) records.push(regexTombstone(group.groupId, was));
      if (is === '') change = 'resolved';
      else if (subscribers(is) === 0) {
        compile(is);
        isUnknown = true;
      } else if (group.regexes.has(is)) change = 'resolved';
    }
    this.#refreshIfDue(progress, isUnknown, mayDescribe);
    return change;
  }

  #refreshIfDue(
    { group, before, after }: Progress,
    isUnknown: boolean,
    mayDescribe: ClientIdentity['mayDescribe'],
  ): void {
    const { clock, config, timers } = this.#context;
    const members = membersAfter(group, [{ before, after }]);
    const wanted = new Set(members.map(({ subscribedTopicRegex }) => subscribedTopicRegex));
    wanted.delete('');
    const timerKey = `regex\0${group.groupId}`;
    if (wanted.size === 0 || timers.has(timerKey)) return;
    const [known] = group.regexes.values();
    const nowMs = clock.wallMs();
    const lastMs = known?.timestampMs ?? Number.NEGATIVE_INFINITY;
    if (nowMs <= lastMs + refreshMinIntervalMs) return;
    const isDue =
      isUnknown ||
      wanted.size !== group.regexes.size ||
      (known?.version ?? -1) < this.#newTopicsVersion ||
      nowMs > lastMs + config.groupConsumerRegexRefreshIntervalMs;
    if (!isDue) return;
    // In an event of its own: many topics against many expressions take their time.
    timers.schedule(timerKey, 0, () => this.#context.run(() => this.#resolveAll(group.groupId, mayDescribe)));
  }

  /** With the rights of the member whose heartbeat made it due, as in Kafka. */
  #resolveAll(groupId: string, mayDescribe: ClientIdentity['mayDescribe']): GroupDecision<null> {
    const group = this.#context.groups.consumer(groupId);
    if (group === null) return nothing;
    const image = this.#context.image();
    const timestampMs = this.#context.clock.wallMs();
    const version = Math.max(0, image.provenance.lastContainedOffset);
    const records: GroupCoordinatorRecord[] = [];
    const resolved = new Map<string, ResolvedRegex>();
    let hasChanged = false;
    const wanted = new Set([...group.members.values()].map(({ subscribedTopicRegex }) => subscribedTopicRegex));
    wanted.delete('');
    for (const regex of wanted) {
      const expression = compile(regex);
      const topics = [...image.topics.byName.keys()]
        .filter((name) => expression.matches(name) && (mayDescribe === null || mayDescribe(name)))
        .sort();
      if (!sameNames(group.regexes.get(regex)?.topics ?? [], topics)) hasChanged = true;
      const entry = { topics, version, timestampMs };
      resolved.set(regex, entry);
      records.push(regexRecord(groupId, regex, entry));
    }
    const { topicNames } = subscriptionOf([...group.members.values()], resolved);
    const hash = this.#hashes.of(topicNames, image);
    if (hasChanged || hash !== group.metadataHash) {
      records.push(this.#membership.newEpoch(group, hash, 'a subscribed regular expression matches other topics'));
    }
    return { records, response: null };
  }
}

function countOf(group: ConsumerGroup, regex: string): number {
  let count = 0;
  for (const { subscribedTopicRegex } of group.members.values()) if (subscribedTopicRegex === regex) count++;
  return count;
}

function compile(regex: string): TopicRegex {
  try {
    return compileTopicRegex(regex);
  } catch (error) {
    if (!(error instanceof InvalidRegex)) throw error;
    throw new CoordinatorError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${error.message}.`,
    );
  }
}
