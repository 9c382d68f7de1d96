// Measures presets one after another at a person's request, and keeps the newest result of each.

import type { MeasurementView, PresetView, TrialResult } from '../api/producer-views.ts';
import type { EndpointHandlers } from '../api/host.ts';
import { ClusterClient } from '../cluster/cluster-client.ts';
import type { ClusterControl } from '../cluster/cluster-control.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import type { NodeEndpoint } from '../net/node-connections.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { runTrial } from './preset-trial.ts';
import {
  explainSetting,
  presetNamed,
  presets,
  propertyNames,
  type ProducerPreset,
  type SettingName,
} from './presets.ts';

export type PresetMeasurementsOptions = {
  readonly runtime: Runtime;
  readonly bootstrap: readonly NodeEndpoint[];
  readonly control: Pick<ClusterControl, 'kill' | 'start'>;
  onChange(view: MeasurementView): void;
};

type ProducerHandlers = Pick<
  EndpointHandlers,
  'producers.presets' | 'producers.measurements' | 'producers.measure' | 'producers.cancel'
>;

const defaultSeconds = 3;

export class PresetMeasurements {
  readonly #options: PresetMeasurementsOptions;
  readonly #results = new Map<string, TrialResult>();
  #waiting: ProducerPreset[] = [];
  #current: MeasurementView['current'] = null;
  #problem: string | null = null;
  #abort: AbortController | null = null;

  constructor(options: PresetMeasurementsOptions) {
    this.#options = options;
  }

  handlers(): ProducerHandlers {
    return {
      'producers.presets': () => presets.map(presetView),
      'producers.measurements': () => this.#view(),
      'producers.measure': ({ presets: names, withKill, seconds, recordBytes }) => {
        this.#start(names, { withKill, seconds: seconds ?? defaultSeconds, recordBytes });
        return null;
      },
      'producers.cancel': () => {
        this.stop();
        return null;
      },
    };
  }

  /** Ends what is being measured after its current phase; its broker is started again first. */
  stop(): void {
    this.#waiting = [];
    this.#abort?.abort();
  }

  #start(names: readonly string[], how: { withKill: boolean; seconds: number; recordBytes: number }): void {
    if (this.#abort !== null) {
      throw new ClusterError('MEASUREMENT_RUNNING', 'a measurement is running', 'wait for it, or cancel it');
    }
    this.#waiting = names.map((name) => {
      const preset = presetNamed(name);
      if (preset === null) throw new ClusterError('UNKNOWN_PRESET', `there is no preset ${name}`);
      return preset;
    });
    this.#problem = null;
    const abort = new AbortController();
    this.#abort = abort;
    void this.#run(how, abort.signal).finally(() => {
      this.#abort = null;
      this.#current = null;
      this.#changed();
    });
  }

  async #run(how: { withKill: boolean; seconds: number; recordBytes: number }, signal: AbortSignal): Promise<void> {
    const { runtime, bootstrap, control } = this.#options;
    const client = new ClusterClient({ runtime, bootstrap, clientId: 'highwater-trial' });
    try {
      await client.refresh([]);
      const replicationFactor = Math.min(3, client.nodeIds.length);
      if (how.withKill && replicationFactor < 3) {
        throw new ClusterError('TOO_FEW_BROKERS', 'a kill needs three running brokers', 'start the others first');
      }
      for (;;) {
        const preset = this.#waiting.shift();
        if (preset === undefined || signal.aborted) return;
        const onPhase = (phase: NonNullable<MeasurementView['current']>['phase']) => {
          this.#current = { preset: preset.name, phase };
          this.#changed();
        };
        const trial = { runtime, client, bootstrap, control, preset, replicationFactor, signal, onPhase, ...how };
        const result = await runTrial(trial);
        if (!signal.aborted) this.#results.set(preset.name, result);
      }
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#waiting = [];
    } finally {
      client.close();
    }
  }

  #view(): MeasurementView {
    return {
      isRunning: this.#abort !== null,
      current: this.#current,
      waiting: this.#waiting.map(({ name }) => name),
      results: [...this.#results.values()],
      problem: this.#problem,
    };
  }

  #changed(): void {
    this.#options.onChange(this.#view());
  }
}

function presetView(preset: ProducerPreset): PresetView {
  const { name, title, isSafe, summary, settings } = preset;
  return {
    name,
    title,
    isSafe,
    summary,
    settings: (Object.keys(propertyNames) as SettingName[]).map((setting) => ({
      name: propertyNames[setting],
      value: String(settings[setting]),
      sentence: explainSetting(setting, settings),
    })),
  };
}
