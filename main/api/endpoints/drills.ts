// Endpoints of the Drills screen: the library, one run at a time, the runs that were kept, reports.

import * as v from 'valibot';
import type { DrillProgress, DrillRunRecord, DrillRunSummary, DrillSummary } from '../drill-views.ts';

const source = v.pipe(v.string(), v.maxLength(262_144));
const runId = v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/));
const nothing = v.object({});

/** Input schemas. */
export const drillInputs = {
  'drill.list': nothing,
  /** Problems of a file, with their lines. */
  'drill.check': v.object({ source }),
  /** Runs the file on the cluster at hand. */
  'drill.run': v.object({
    source,
    seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    /** What the person expects, by question. */
    predictions: v.optional(v.array(v.nullable(v.string()))),
  }),
  /** Ends the run and heals the cluster. */
  'drill.abort': nothing,
  'drill.runs': nothing,
  'drill.get': v.object({ runId }),
  'drill.report': v.object({ runId, form: v.picklist(['html', 'json', 'junit']) }),
} as const;

/** What each request answers. */
export type DrillOutputs = {
  'drill.list': readonly DrillSummary[];
  'drill.check': { readonly problems: readonly string[]; readonly summary: DrillSummary | null };
  'drill.run': { readonly runId: string };
  'drill.abort': null;
  'drill.runs': {
    /** What runs now, from its beginning. */
    readonly current: DrillProgress | null;
    readonly runs: readonly DrillRunSummary[];
  };
  'drill.get': DrillRunRecord;
  'drill.report': { readonly fileName: string; readonly text: string };
};
