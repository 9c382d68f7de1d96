// What goes wrong, and when: plain data drawn from a seed, so that a plan can be printed, cut down and run again.

import type { JournalKind } from '../../main/core/journal.ts';
import type { Random } from '../../main/runtime/runtime.ts';
import { seededRandom } from '../../main/runtime/simulated/seeded-random.ts';

export type FaultKind =
  | 'kill' // the process; what it wrote stays
  | 'power-loss' // what was not synced is lost, torn or spoilt
  | 'blackout' // power loss of all nodes at once
  | 'quorum-loss' // the processes of so many nodes that the rest is no majority
  | 'away' // stopped for so long that the metadata log has been trimmed behind it
  | 'freeze'
  | 'stop' // in order
  | 'isolate' // from all other brokers, both ways
  | 'cut' // one way, to one other broker
  | 'cut-clients' // from all clients, both ways
  | 'lose-answers' // requests of clients arrive, answers don't; then their connections break
  | 'slow-network'
  | 'drop-connections'
  | 'disk-full'
  | 'disk-error'
  | 'slow-disk'
  | 'no-descriptors' // nothing more can be opened
  | 'skew-clock'
  | 'split-decision'; // the coordinator dies while one follower, cut off from it, lacks what was just decided

/**
 * What the world sees and no broker reports: a broker has started, a coordinator is asked to end a transaction, a leader
 * has answered DeleteRecords.
 */
export type Moment = 'broker.running' | 'transaction.ending' | 'records.deleted';

export type Fault = {
  /** Since the episode began. */
  readonly atMs: number;
  readonly forMs: number;
  readonly kind: FaultKind;
  readonly broker: number;
  readonly other: number;
  /** Not at `atMs` but at the first such event of any broker after it, and to the broker that reports it. */
  readonly on: JournalKind | Moment | null;
  /** So long after the moment that it waited for. */
  readonly delayMs?: number;
};

export type Episode = readonly Fault[];

export type Plan = {
  readonly brokerCount: number;
  /** How fast each broker's clock goes; quartz is a hundred times better than the worst of these. */
  readonly clockRates: readonly number[];
  /** Between two episodes everything is mended and the cluster must become whole. */
  readonly episodes: readonly Episode[];
  readonly hasBlackout: boolean;
};

const usualKinds: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill',
  'power-loss',
  'power-loss',
  'freeze',
  'freeze',
  'stop',
  'isolate',
  'isolate',
  'cut',
  'cut',
  'cut-clients',
  'lose-answers',
  'lose-answers',
  'slow-network',
  'drop-connections',
  'disk-full',
  'disk-error',
  'slow-disk',
  'skew-clock',
];

/** Moments at which a fault hurts most. */
const triggers: readonly JournalKind[] = [
  'quorum.voteAnswered',
  'quorum.candidate',
  'quorum.leaderElected',
  'controller.active',
  'partition.leaderElected',
  'partition.isrShrunk',
  'partition.isrExpanded',
  'replica.leading',
  'replica.following',
  'replica.truncated',
  'broker.fenced',
  'broker.unfenced',
  'coordinator.loaded',
  'group.rebalancing',
];

const triggerable: ReadonlySet<FaultKind> = new Set(['kill', 'freeze', 'isolate', 'drop-connections', 'power-loss']);
const episodeMsMax = 3500;
const faultsMax = 6;
const faultMsMax = 3000;
const blackoutOneIn = 8;
const quorumLossOneIn = 10;
const awayOneIn = 10;
const stopAndLossOneIn = 8;
const singleOneIn = 16;
const fiveOneIn = 10;
const driftMax = 0.01;
const momentsOneIn = 3;
const noDescriptorsOneIn = 5;
const momentKinds: readonly FaultKind[] = ['split-decision', 'split-decision', 'drop-connections', 'kill', 'kill'];

export function planFaults(seed: number): Plan {
  const random = seededRandom(seed, 'plan');
  const brokerCount = random.below(singleOneIn) === 0 ? 1 : random.below(fiveOneIn) === 0 ? 5 : 3;
  const hasBlackout = random.below(blackoutOneIn) === 0;
  const clockRates = Array.from({ length: brokerCount }, () =>
    random.below(2) === 0 ? 1 : 1 + (random.next() - 0.5) * 2 * driftMax,
  );
  const episodeCount = random.below(3) === 0 ? 2 : 1;
  const episodes = Array.from({ length: episodeCount }, () => planEpisode(random, brokerCount));
  const add = (fault: Fault): void => {
    episodes[0] = [...(episodes[0] ?? []), fault];
  };
  if (hasBlackout) add(large(random, 'blackout', brokerCount, 1000));
  if (random.below(quorumLossOneIn) === 0) add(large(random, 'quorum-loss', brokerCount, 2000));
  if (random.below(stopAndLossOneIn) === 0) {
    for (const fault of stopAndLoss(random, brokerCount, episodes[0] ?? [])) add(fault);
  }
  if (random.below(awayOneIn) === 0) add({ ...large(random, 'away', brokerCount, 3500), atMs: random.below(500) });
  if (seededRandom(seed, 'descriptors').below(noDescriptorsOneIn) === 0) {
    add(large(seededRandom(seed, 'no-descriptors'), 'no-descriptors', brokerCount, 2000));
  }
  for (const fault of atMoments(seededRandom(seed, 'moments'), brokerCount, episodes[0] ?? [])) add(fault);
  return { brokerCount, clockRates, episodes, hasBlackout };
}

function planEpisode(random: Random, brokerCount: number): Fault[] {
  // With two copies needed for an acknowledgement, one disk may lose its tail between two moments of wholeness.
  const fragile = 1 + random.below(brokerCount);
  const faultCount = 1 + random.below(faultsMax);
  const faults = Array.from({ length: faultCount }, (): Fault => {
    const kind = usualKinds[random.below(usualKinds.length)] ?? 'kill';
    const broker = kind === 'power-loss' ? fragile : 1 + random.below(brokerCount);
    const other = 1 + ((broker + random.below(Math.max(1, brokerCount - 1))) % brokerCount);
    const on =
      triggerable.has(kind) && random.below(3) === 0 ? (triggers[random.below(triggers.length)] ?? null) : null;
    // Short ones matter as much as long ones: a quick restart meets what the others have not noticed.
    const forMs = random.below(2) === 0 ? random.below(300) : random.below(faultMsMax);
    return { atMs: random.below(episodeMsMax), forMs, kind, broker, other, on };
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function large(random: Random, kind: FaultKind, brokerCount: number, forMsMax: number): Fault {
  const atMs = random.below(episodeMsMax);
  const forMs = forMsMax / 4 + random.below(forMsMax);
  return { atMs, forMs, kind, broker: 1 + random.below(brokerCount), other: 1, on: null };
}

/** A stop in order, a start, and a power loss of the same node soon after: what the start undid must stay undone. */
function stopAndLoss(random: Random, brokerCount: number, others: Episode): Fault[] {
  const broker = others.find(({ kind }) => kind === 'power-loss')?.broker ?? 1 + random.below(brokerCount);
  const atMs = random.below(1500);
  const stop: Fault = { atMs, forMs: random.below(200), kind: 'stop', broker, other: broker, on: null };
  return [stop, { ...stop, kind: 'power-loss', atMs: atMs + 300 + random.below(800), forMs: random.below(500) }];
}

/** Faults that hit what takes a millisecond only. */
function atMoments(random: Random, brokerCount: number, others: Episode): Fault[] {
  if (brokerCount < 3 || random.below(momentsOneIn) > 0) return [];
  const faults: Fault[] = [];
  for (let atMs = random.below(400); atMs < episodeMsMax; atMs += 400 + random.below(1200)) {
    const broker = 1 + random.below(brokerCount);
    const other = 1 + ((broker + random.below(brokerCount - 1)) % brokerCount);
    const base = { atMs, broker, other, forMs: random.below(400), delayMs: random.next() * 3 };
    const kind = momentKinds[random.below(momentKinds.length)] ?? 'kill';
    const on = kind === 'kill' ? 'records.deleted' : 'transaction.ending';
    faults.push({ ...base, kind, on, ...(kind === 'kill' ? { delayMs: 0 } : {}) });
  }
  if (random.below(2) === 0) return faults;
  const broker = others.find(({ kind }) => kind === 'power-loss')?.broker ?? 1 + random.below(brokerCount);
  const stop = { atMs: random.below(1500), forMs: random.below(200), kind: 'stop', broker, other: broker } as const;
  const loss = { ...stop, kind: 'power-loss', on: 'broker.running', delayMs: random.below(300) } as const;
  return [...faults, { ...stop, on: null }, loss];
}

export function describeFault({ atMs, forMs, kind, broker, other, on }: Fault): string {
  const isOneWay = kind === 'cut' || kind === 'split-decision';
  const where = isOneWay ? `${broker}→${other}` : kind === 'drop-connections' ? `${broker}–${other}` : `${broker}`;
  const when = on === null ? `at ${atMs} ms` : `at the first ${on} after ${atMs} ms, there,`;
  return kind === 'blackout' ? `blackout ${when} for ${forMs} ms` : `${kind} ${where} ${when} for ${forMs} ms`;
}
