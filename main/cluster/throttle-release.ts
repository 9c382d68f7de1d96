// A throttle that was set for a move of replicas goes when the move is over, whoever looks on: also when the page was
// left, and after a restart of the engine. Throttles that people set by hand as configs are not its business.

import type { Clock, Timer } from '../runtime/runtime.ts';

/** Topics throttled by us, where a restart finds them. */
export type ThrottleMemory = {
  read(): readonly string[];
  write(topics: readonly string[]): void;
};

export type ThrottleReleaseOptions = {
  readonly clock: Clock;
  readonly memory: ThrottleMemory;
  /** Topics with replicas on the move; rejects while no broker answers. */
  underWay(): Promise<ReadonlySet<string>>;
  /** Takes the throttle off; of the brokers' rates too when no other topic needs them. Rejects when it could not. */
  release(topic: string, withRates: boolean): Promise<void>;
};

const lookEveryMs = 1000;
/** A throttle whose move never came (it was refused, or the app ended between the two) goes after this. */
const moveWithinMs = 30_000;

type Throttle = { sinceMs: number; isAsked: boolean };

export class ThrottleRelease {
  readonly #options: ThrottleReleaseOptions;
  readonly #throttles = new Map<string, Throttle>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: ThrottleReleaseOptions) {
    this.#options = options;
    for (const topic of options.memory.read()) this.#throttles.set(topic, { sinceMs: -Infinity, isAsked: true });
    this.#lookLater();
  }

  /** To be called before the throttle is set: what fails on the way is taken off again. */
  throttled(topic: string): void {
    this.#throttles.set(topic, { sinceMs: this.#options.clock.monotonicMs(), isAsked: false });
    this.#remember();
    this.#lookLater();
  }

  /** The move was asked for: from now on the throttle goes as soon as nothing moves. */
  moved(topic: string): void {
    const throttle = this.#throttles.get(topic);
    if (throttle !== undefined) throttle.isAsked = true;
  }

  /** Takes it off now; rejects when the cluster could not. */
  async take(topic: string): Promise<void> {
    await this.#options.release(
      topic,
      [...this.#throttles.keys()].every((each) => each === topic),
    );
    this.#throttles.delete(topic);
    this.#remember();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #lookLater(): void {
    if (this.#throttles.size === 0 || this.#timer !== null || this.#isClosed) return;
    const { clock } = this.#options;
    this.#timer = clock.at(clock.monotonicMs() + lookEveryMs, () => {
      void this.#look().finally(() => {
        this.#timer = null;
        this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    try {
      const waiting = [...this.#throttles].filter(([, throttle]) => this.#isDue(throttle));
      if (waiting.length === 0) return;
      const moving = await this.#options.underWay();
      for (const [topic, throttle] of waiting) {
        // Throttled anew while the question was on its way: that move has its own end.
        if (moving.has(topic) || this.#throttles.get(topic) !== throttle) continue;
        await this.take(topic);
      }
    } catch {
      // Nobody answers, or the controller is changing: the next look tries again.
    }
  }

  #isDue({ isAsked, sinceMs }: Throttle): boolean {
    return isAsked || this.#options.clock.monotonicMs() - sinceMs >= moveWithinMs;
  }

  #remember(): void {
    this.#options.memory.write([...this.#throttles.keys()]);
  }
}
