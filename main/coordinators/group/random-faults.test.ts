// Over many seeds: commits, reads and members while the log stalls, refuses, and moves to other leaders. What was
// acknowledged or shown stays, every request is answered, and in the end the group works.

import { expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import type { Random } from '../../runtime/runtime.ts';
import { GroupHarness, type Joined } from '../coordinators.test-kit.ts';

const groupIds = ['a', 'b', 'c'];
const stepsPerSeed = 250;

type GroupFacts = { attempted: number; acknowledged: number; shown: number };

class Script {
  readonly harness: GroupHarness;
  readonly #random: Random;
  readonly #facts = new Map<string, GroupFacts>(
    groupIds.map((id) => [id, { attempted: 0, acknowledged: -1, shown: -1 }]),
  );
  /** The end of what was ever committed: no new leader lacks it. */
  #committedEnd = 0;
  #open = 0;
  #members: { memberId: string; generationId: number; isLeader: boolean }[] = [];
  readonly problems: string[] = [];

  constructor(harness: GroupHarness) {
    this.harness = harness;
    this.#random = harness.world.random;
  }

  get openCount(): number {
    return this.#open;
  }

  step(): void {
    const { log, coordinator } = this.harness;
    this.#committedEnd = Math.max(this.#committedEnd, log.highWatermark);
    switch (this.#random.below(14)) {
      case 0:
      case 1:
      case 2:
        return this.#commit();
      case 3:
      case 4:
      case 5:
        return this.#fetch();
      case 6:
        return this.#join();
      case 7:
        return this.#sync();
      case 8:
        return this.#heartbeatOrLeave();
      case 9:
        log.commitsAtOnce = this.#random.below(2) === 0;
        if (log.leaderEpoch !== null) log.commit();
        return;
      case 10:
        log.appendError = this.#random.below(3) === 0 ? ErrorCode.NOT_ENOUGH_REPLICAS : null;
        return;
      case 11: {
        if (log.leaderEpoch === null) return this.harness.elect();
        const least = this.#committedEnd;
        this.harness.resign(least + this.#random.below(log.logEndOffset - least + 1));
        // The next leader hears only later how far the commits had come.
        log.highWatermark = this.#random.below(this.#committedEnd + 1);
        return;
      }
      case 12:
        if (log.leaderEpoch === null) this.harness.elect();
        else coordinator.takeReports();
        return;
      default:
        if (log.leaderEpoch !== null) log.commit();
    }
  }

  #factsOf(groupId: string): GroupFacts {
    const facts = this.#facts.get(groupId);
    if (facts === undefined) throw new Error(groupId);
    return facts;
  }

  #groupId(): string {
    return groupIds[this.#random.below(groupIds.length)] ?? 'a';
  }

  #expect<T>(answer: Promise<T>, then: (value: T) => void): void {
    this.#open++;
    void answer.then((value) => {
      this.#open--;
      then(value);
    });
  }

  #commit(): void {
    const groupId = this.#groupId();
    const facts = this.#factsOf(groupId);
    const offset = ++facts.attempted;
    this.#expect(this.harness.commit(offset, { groupId }), (code) => {
      if (code === ErrorCode.NONE) facts.acknowledged = Math.max(facts.acknowledged, offset);
    });
  }

  #fetch(): void {
    const groupId = this.#groupId();
    const facts = this.#factsOf(groupId);
    const least = Math.max(facts.acknowledged, facts.shown);
    this.#expect(this.harness.fetch(this.#random.below(2) === 0, groupId), ({ errorCode, topics }) => {
      if (errorCode !== ErrorCode.NONE) return;
      const shown = topics[0]?.partitions[0]?.committedOffset ?? -1;
      if (shown < least) this.problems.push(`${groupId}: ${shown} shown after ${least}`);
      if (shown > facts.attempted) this.problems.push(`${groupId}: ${shown} was never committed`);
      facts.shown = Math.max(facts.shown, shown);
    });
  }

  #join(): void {
    const known = this.#members[this.#random.below(this.#members.length + 1)];
    const groupInstanceId = this.#random.below(4) === 0 ? `till-${this.#random.below(2)}` : null;
    const request = known === undefined ? { groupInstanceId } : { memberId: known.memberId };
    const handle = (answer: Joined): void => {
      const memberId = answer.memberId ?? '';
      if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.#expect(this.harness.join({ memberId }), handle);
      if (answer.errorCode !== ErrorCode.NONE) return;
      this.#members = this.#members.filter((member) => member.memberId !== memberId).slice(-4);
      this.#members.push({ memberId, generationId: answer.generationId ?? -1, isLeader: answer.leader === memberId });
    };
    this.#expect(this.harness.join({ ...request, sessionTimeoutMs: 5000, rebalanceTimeoutMs: 8000 }), handle);
  }

  #sync(): void {
    for (const { memberId, generationId, isLeader } of this.#members) {
      const assignments = isLeader
        ? this.#members.map((member) => ({ memberId: member.memberId, assignment: Buffer.from(String(generationId)) }))
        : [];
      this.#expect(this.harness.sync({ memberId, generationId, assignments }), ({ errorCode, assignment }) => {
        const got = Buffer.from((assignment ?? '') as Buffer).toString();
        if (errorCode === ErrorCode.NONE && got !== '' && got !== String(generationId)) {
          this.problems.push(`member of generation ${generationId} was given the assignment of ${got}`);
        }
      });
    }
  }

  #heartbeatOrLeave(): void {
    const member = this.#members[this.#random.below(this.#members.length + 1)];
    if (member === undefined) return;
    if (this.#random.below(3) > 0) {
      this.#expect(this.harness.heartbeat(member.memberId, member.generationId), () => {});
      return;
    }
    this.#members = this.#members.filter((each) => each !== member);
    const leaving = [{ memberId: member.memberId, groupInstanceId: null, reason: 'enough' }];
    this.#expect(Promise.resolve(this.harness.coordinator.leaveGroup('group', leaving)), () => {});
  }

  async heal(): Promise<void> {
    const { log, world } = this.harness;
    log.appendError = null;
    log.commitsAtOnce = true;
    if (log.leaderEpoch === null) this.harness.elect();
    await world.runFor(1);
    log.commit();
    await world.runFor(60_000);
  }
}

async function play(seed: number): Promise<void> {
  const harness = await GroupHarness.create({}, seed);
  const script = new Script(harness);
  for (let step = 0; step < stepsPerSeed; step++) {
    script.step();
    const { random } = harness.world;
    if (random.below(3) > 0) await harness.world.runFor(random.below(20) === 0 ? 7000 : random.below(3));
  }
  await script.heal();
  expect(script.openCount, `seed ${seed}: requests without an answer`).toBe(0);
  for (const groupId of groupIds) expect(await harness.settle(harness.commit(1_000_000, { groupId }))).toBe(0);
  expect(script.problems, `seed ${seed}`).toEqual([]);
  expect(await harness.state()).toMatch(/Empty|Dead/);
  const { a, b, generationId } = await harness.stableGroup();
  await harness.failOver();
  expect(await harness.settle(harness.heartbeat(a, generationId))).toBe(ErrorCode.NONE);
  expect(await harness.settle(harness.heartbeat(b, generationId))).toBe(ErrorCode.NONE);
}

it('what was acknowledged or shown stays, and every request is answered', async () => {
  for (let seed = 1; seed <= 60; seed++) await play(seed);
});
