// The random schedule: what befalls which broker, and when. Drawn from a seed; when each thing ends depends on the
// machine, so a seed repeats the plan, not the run.

import type { FaultDirection, FaultPeer } from '../../main/core/faults.ts';
import type { ClusterControl } from '../../main/cluster/cluster-control.ts';
import type { Random } from '../../main/runtime/runtime.ts';

export type TroubleKind =
  | 'kill'
  | 'kill-two'
  | 'freeze'
  | 'stop'
  | 'rolling-restart'
  | 'cut'
  | 'slow-link'
  | 'power-loss'
  | 'slow-disk'
  | 'bad-disk'
  | 'clock-skew';

export type TroubleOptions = {
  readonly control: ClusterControl;
  readonly brokerIds: readonly number[];
  readonly random: Random;
  readonly sleep: (ms: number) => Promise<void>;
  /** The process of a broker, null while it has none. */
  readonly pidOf: (brokerId: number) => number | null;
  /** All replicas are in sync again. */
  readonly whole: () => Promise<boolean>;
  readonly note: (text: string) => void;
};

/** A broker whose disk failed is gone within this time. */
const dyingMs = 1500;

/** Kinds as often as they stand here. */
const deck: readonly TroubleKind[] = [
  'kill',
  'kill',
  'kill',
  'kill-two',
  'freeze',
  'freeze',
  'stop',
  'stop',
  'rolling-restart',
  'cut',
  'cut',
  'cut',
  'slow-link',
  'power-loss',
  'power-loss',
  'power-loss',
  'slow-disk',
  'bad-disk',
  'bad-disk',
  'clock-skew',
];

export class Trouble {
  readonly counts = new Map<TroubleKind, number>();
  readonly failures: string[] = [];
  /** Processes that may have ended by themselves: Kafka's broker stops when its last log directory fails. */
  readonly doomedPids = new Set<number>();
  readonly #options: TroubleOptions;
  /** Brokers that somebody is at work on. */
  readonly #busy = new Set<number>();
  /**
   * From before a power loss until all replicas are in sync again. Kafka takes a killed broker's log for damaged too
   * (KIP-966), and promises to stand min.insync.replicas − 1 of those at a time: here one.
   */
  #isPowerWindow = false;
  #killing = 0;
  #isOver = false;

  constructor(options: TroubleOptions) {
    this.#options = options;
  }

  end(): void {
    this.#isOver = true;
  }

  /** One hand that makes trouble until the end; several may be at work. */
  async run(): Promise<void> {
    const { random, sleep, note } = this.#options;
    while (!this.#isOver) {
      await sleep(200 + random.below(1500));
      const kind = deck[random.below(deck.length)] ?? 'kill';
      const brokerIds = this.#choose(kind);
      if (brokerIds === null || this.#isOver) continue;
      for (const id of brokerIds) this.#busy.add(id);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      try {
        await this.#befall(kind, brokerIds);
      } catch (error) {
        const what = `${kind} of ${brokerIds.join(', ')}: ${error instanceof Error ? error.message : String(error)}`;
        note(what);
        this.failures.push(what);
      } finally {
        for (const id of brokerIds) this.#busy.delete(id);
      }
    }
  }

  /** Null: not now. */
  #choose(kind: TroubleKind): number[] | null {
    const { brokerIds, random } = this.#options;
    const isUnclean = kind === 'kill' || kind === 'kill-two' || kind === 'bad-disk' || kind === 'power-loss';
    if (isUnclean && (this.#isPowerWindow || (kind === 'power-loss' && this.#killing > 0))) return null;
    if (kind === 'rolling-restart') return this.#busy.size === 0 ? [...brokerIds] : null;
    const free = brokerIds.filter((id) => !this.#busy.has(id));
    const first = free[random.below(free.length)];
    if (first === undefined) return null;
    if (kind !== 'kill-two') return [first];
    const others = free.filter((id) => id !== first);
    const second = others[random.below(others.length)];
    return second === undefined ? null : [first, second];
  }

  async #befall(kind: TroubleKind, brokerIds: readonly number[]): Promise<void> {
    const { control, random, sleep, note } = this.#options;
    const [id = 0] = brokerIds;
    const durationMs = 200 + random.below(4000);
    note(`${kind} ${brokerIds.join(', ')} for ${durationMs} ms`);
    switch (kind) {
      case 'kill':
      case 'kill-two':
        return this.#kill(brokerIds, durationMs);
      case 'freeze':
        await control.pause(id);
        await sleep(durationMs);
        return control.resume(id);
      case 'stop':
        await control.stop(id);
        await sleep(durationMs);
        return control.start(id);
      case 'rolling-restart':
        for (const each of brokerIds) {
          await control.stop(each);
          await control.start(each);
        }
        return;
      case 'power-loss':
        return this.#losePower(id, durationMs);
      case 'bad-disk':
        return this.#spoilDisk(id, durationMs);
      case 'cut':
      case 'slow-link':
      case 'slow-disk':
      case 'clock-skew':
        return this.#withFault(kind, id, durationMs);
    }
  }

  async #kill(brokerIds: readonly number[], durationMs: number): Promise<void> {
    const { control, sleep } = this.#options;
    this.#killing++;
    try {
      await Promise.all(brokerIds.map((each) => control.kill(each)));
      await sleep(durationMs);
      await Promise.all(brokerIds.map((each) => control.start(each)));
    } finally {
      this.#killing--;
    }
  }

  async #losePower(id: number, durationMs: number): Promise<void> {
    const { control, random, sleep, whole } = this.#options;
    this.#isPowerWindow = true;
    await whole();
    await control.powerLoss(id, { torn: random.below(2) === 0 });
    await sleep(durationMs);
    await control.start(id);
    void whole().then(() => {
      this.#isPowerWindow = false;
    });
  }

  async #spoilDisk(brokerId: number, durationMs: number): Promise<void> {
    const { control, random, sleep, pidOf } = this.#options;
    const pid = pidOf(brokerId);
    if (pid !== null) this.doomedPids.add(pid);
    const operations = ([['write'], ['sync'], ['read', 'write', 'sync']] as const)[random.below(3)] ?? ['write'];
    this.#killing++;
    try {
      const fault = await control.addFault(
        random.below(2) === 0
          ? { kind: 'disk-full', brokerId, freeBytes: random.below(50_000) }
          : { kind: 'disk-error', brokerId, operations, path: null },
      );
      await sleep(durationMs);
      await control.clearFault(fault.id);
      // What failed once stays failed (Kafka's rule): it may still be dying.
      await sleep(dyingMs);
      if (pidOf(brokerId) === null) await control.start(brokerId);
    } finally {
      this.#killing--;
    }
  }

  async #withFault(kind: 'cut' | 'slow-link' | 'slow-disk' | 'clock-skew', brokerId: number, durationMs: number) {
    const { control, random, sleep } = this.#options;
    const direction = (['both', 'both', 'in', 'out'] as const)[random.below(4)] ?? 'both';
    const link = { brokerId, peer: this.#peerOf(brokerId), direction } satisfies {
      brokerId: number;
      peer: FaultPeer;
      direction: FaultDirection;
    };
    const faults = await Promise.all(
      kind === 'cut'
        ? [control.addFault({ kind: 'cut', ...link })]
        : kind === 'slow-link'
          ? [
              control.addFault({ kind: 'delay', ...link, delayMs: random.below(200), jitterMs: random.below(50) }),
              control.addFault({ kind: 'loss', ...link, share: random.next() * 0.1 }),
              control.addFault({ kind: 'bandwidth', ...link, bytesPerSecond: 20_000 + random.below(1_000_000) }),
            ]
          : kind === 'slow-disk'
            ? [control.addFault({ kind: 'slow-disk', brokerId, syncMs: random.below(300), writeMs: random.below(3) })]
            : [
                control.addFault({
                  kind: 'clock-skew',
                  brokerId,
                  offsetMs: random.below(7_200_000) - 3_600_000,
                  rate: 0.5 + random.next(),
                }),
              ],
    );
    await sleep(durationMs);
    await Promise.all(faults.map((fault) => control.clearFault(fault.id)));
  }

  #peerOf(brokerId: number): FaultPeer {
    const { brokerIds, random } = this.#options;
    const others = brokerIds.filter((each) => each !== brokerId);
    const peers: readonly FaultPeer[] = [
      'brokers',
      'everyone',
      'clients',
      others[random.below(others.length)] ?? 'brokers',
    ];
    return peers[random.below(peers.length)] ?? 'brokers';
  }
}
