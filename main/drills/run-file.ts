// The journal file of a run: one JSON value a line, so that it can be read with any tool and cut short by a crash
// without harm. `highwater drill replay` and the Drills screen read it.

import * as v from 'valibot';
import type { DrillRunRecord } from '../api/drill-views.ts';
import { ClusterError } from '../cluster/cluster-error.ts';

export const runFileEnding = '.hwrun.jsonl';
const format = 'highwater-run/1';

const lineSchema = v.looseObject({ type: v.string() });

export function runToText(run: DrillRunRecord): string {
  const { steps, samples, marks, deltas, snapshot, verdict, events, ...head } = run;
  const lines: unknown[] = [
    { type: 'head', format, ...head },
    { type: 'snapshot', view: snapshot },
    ...steps.map((step) => ({ type: 'step', ...step })),
    ...samples.map((sample) => ({ type: 'sample', ...sample })),
    ...marks.map((mark) => ({ type: 'mark', ...mark })),
    // Events stand in the deltas that brought them; their times count from the start of the run.
    ...deltas.map(({ atMs, delta }) => ({ type: 'delta', atMs, delta: { ...delta, events: undefined } })),
    ...events.map((event) => ({ type: 'event', event })),
    { type: 'verdict', verdict },
  ];
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}

/** Throws ClusterError when the text is no run, naming the line. */
export function runFromText(text: string, where: string): DrillRunRecord {
  const lists: Record<string, unknown[]> = { step: [], sample: [], mark: [], delta: [], event: [] };
  let head: Record<string, unknown> | null = null;
  let snapshot: unknown = null;
  let verdict: unknown = null;
  text.split('\n').forEach((line, index) => {
    if (line === '') return;
    const { type, ...rest } = parseLine(line, where, index + 1);
    if (type === 'head') head = rest;
    else if (type === 'snapshot') snapshot = rest['view'];
    else if (type === 'verdict') verdict = rest['verdict'];
    else if (type === 'event') lists['event']?.push(rest['event']);
    else lists[type]?.push(rest);
  });
  const facts = head as Record<string, unknown> | null;
  if (facts === null || facts['format'] !== format || snapshot === null) {
    throw new ClusterError(
      'BAD_RUN',
      `${where} is not the journal of a drill run`,
      'drill run writes one when it ends',
    );
  }
  const { format: _, ...known } = facts;
  const { step: steps, sample: samples, mark: marks, delta: deltas, event: events } = lists;
  return { ...known, snapshot, steps, samples, marks, deltas, events, verdict } as unknown as DrillRunRecord;
}

function parseLine(line: string, where: string, number: number): { type: string; [name: string]: unknown } {
  try {
    return v.parse(lineSchema, JSON.parse(line));
  } catch (error) {
    throw new ClusterError('BAD_RUN', `${where}, line ${number} is no line of a run's journal`, null, error);
  }
}
