// Endpoints of the Producers screen: the presets, and what they were measured to do on this cluster.

import * as v from 'valibot';
import type { MeasurementView, PresetView } from '../producer-views.ts';

export const producerInputs = {
  'producers.presets': v.object({}),
  'producers.measurements': v.object({}),
  'producers.measure': v.object({
    presets: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(20)),
    withKill: v.boolean(),
    /** Of each phase. */
    seconds: v.optional(v.pipe(v.number(), v.minValue(0.5), v.maxValue(60))),
    recordBytes: v.pipe(v.number(), v.integer(), v.minValue(120), v.maxValue(100_000)),
  }),
  'producers.cancel': v.object({}),
} as const;

export type ProducerOutputs = {
  'producers.presets': readonly PresetView[];
  'producers.measurements': MeasurementView;
  'producers.measure': null;
  'producers.cancel': null;
};
