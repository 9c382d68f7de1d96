// Everything a person can do to the cluster from this page: each action asks the engine and says how it went.

import type { Bridge, Endpoint, InputOf, OutputOf } from '../../main/api/contract.ts';
import { describeFault } from '../../main/api/fault-text.ts';
import type { BrokerView, Fault } from '../../main/api/views.ts';
import { toRefusal } from '../engine/engine-link.ts';
import { standingOf } from './matrix-rows.ts';
import type { Notices } from './notices.svelte.ts';

export type BrokerVerb = 'kill' | 'pause' | 'resume' | 'stop' | 'start' | 'restart';

type VerbText = { readonly label: string; readonly hint: string; readonly done: string; readonly failed: string };

export const verbTexts: Readonly<Record<BrokerVerb, VerbText>> = {
  kill: { label: 'Kill', hint: 'SIGKILL', done: 'was killed', failed: 'could not be killed' },
  pause: { label: 'Freeze', hint: 'SIGSTOP', done: 'is frozen', failed: 'could not be frozen' },
  resume: { label: 'Resume', hint: 'SIGCONT', done: 'goes on', failed: 'could not be resumed' },
  stop: { label: 'Stop', hint: 'controlled shutdown', done: 'is shutting down', failed: 'could not be stopped' },
  start: { label: 'Start', hint: 'same data directory', done: 'is starting', failed: 'could not be started' },
  restart: { label: 'Restart', hint: 'stop, then start', done: 'is restarting', failed: 'could not be restarted' },
};

export const brokerVerbs: readonly BrokerVerb[] = ['kill', 'pause', 'resume', 'stop', 'start', 'restart'];

/** Why a verb makes no sense for a broker now; null: it does. */
export function blockedBecause(verb: BrokerVerb, broker: BrokerView): string | null {
  const standing = standingOf(broker);
  const down = standing === 'stopped' || standing === 'killed' || standing === 'crashed';
  if (verb === 'start') return down ? null : 'already runs';
  if (down) return 'not running';
  if (verb === 'kill') return null;
  if (verb === 'resume') return standing === 'frozen' ? null : 'not frozen';
  if (standing === 'frozen') return 'frozen';
  return standing === 'stopping' ? 'shutting down' : null;
}

export class Actions {
  readonly #bridge: Bridge;
  readonly #notices: Notices;

  constructor(bridge: Bridge, notices: Notices) {
    this.#bridge = bridge;
    this.#notices = notices;
  }

  async broker(verb: BrokerVerb, brokerId: number): Promise<void> {
    const text = verbTexts[verb];
    const answered = await this.#ask(`broker.${verb}`, { brokerId }, `Broker ${brokerId} ${text.failed}`);
    if (answered === undefined) return;
    const back: BrokerVerb | null = verb === 'kill' || verb === 'stop' ? 'start' : verb === 'pause' ? 'resume' : null;
    this.#notices.done(
      `Broker ${brokerId} ${text.done}.`,
      back === null
        ? null
        : { label: `${verbTexts[back].label} broker ${brokerId}`, run: () => void this.broker(back, brokerId) },
    );
  }

  async addFault(fault: Fault): Promise<void> {
    const added = await this.#ask('fault.add', { fault }, 'The fault could not be laid');
    if (added === undefined) return;
    const clear = { label: 'Clear it', run: () => void this.clearFault(added.id) };
    this.#notices.done(`Fault: ${describeFault(fault)}.`, clear);
  }

  async clearFault(faultId: string): Promise<void> {
    await this.#ask('fault.clear', { faultId }, 'The fault could not be cleared');
  }

  async clearFaults(): Promise<void> {
    await this.#ask('fault.clearAll', {}, 'The faults could not be cleared');
  }

  async losePower(brokerId: number): Promise<void> {
    const answered = await this.#ask(
      'broker.powerLoss',
      { brokerId, torn: false },
      `Broker ${brokerId} could not be switched off`,
    );
    if (answered === undefined) return;
    const start = { label: `Start broker ${brokerId}`, run: () => void this.broker('start', brokerId) };
    this.#notices.done(`Broker ${brokerId} lost its power, and what it had not synced.`, start);
  }

  async startWorkload(messagesPerSecond: number): Promise<void> {
    await this.#ask('workload.start', { messagesPerSecond }, 'The workload could not be started');
  }

  async stopWorkload(): Promise<void> {
    await this.#ask('workload.stop', {}, 'The workload could not be stopped');
  }

  async electPreferred(topic: string, partition: number): Promise<void> {
    await this.#ask('partition.electPreferred', { topic, partition }, `No election for ${topic}-${partition}`);
  }

  async electLeaders(topic: string, partitions: number[] | null, unclean: boolean): Promise<void> {
    const answer = await this.#ask('topic.electLeaders', { topic, partitions, unclean }, `No election for ${topic}`);
    if (answer === undefined) return;
    const elected = answer.results.filter((result) => result.code === 'NONE').length;
    const refused = answer.results.find((result) => result.code !== 'NONE' && result.code !== 'ELECTION_NOT_NEEDED');
    if (refused) {
      this.#notices.refused(`No election for ${topic}-${refused.partition}`, {
        code: refused.code,
        message: refused.message ?? refused.code,
        advice: null,
      });
    } else
      this.#notices.done(elected === 0 ? 'No election was needed.' : `${elected} leaders of ${topic} were elected.`);
  }

  async deleteTopic(topic: string): Promise<void> {
    const answered = await this.#ask('topic.delete', { topic }, `Topic ${topic} could not be deleted`);
    if (answered !== undefined) this.#notices.done(`Topic ${topic} was deleted.`);
  }

  /** Throws a refusal, since the dialog shows it beside its fields. */
  async createTopic(input: InputOf<'topic.create'>): Promise<void> {
    await this.#bridge.request('topic.create', input);
    this.#notices.done(`Topic ${input.topic} was created.`);
  }

  async #ask<Name extends Endpoint>(
    endpoint: Name,
    input: InputOf<Name>,
    whatFailed: string,
  ): Promise<OutputOf<Name> | undefined> {
    try {
      return await this.#bridge.request(endpoint, input);
    } catch (error) {
      this.#notices.refused(whatFailed, toRefusal(error));
      return undefined;
    }
  }
}
