// The narrator: of all that just happened, the newest thing worth a sentence. Pure.

import type { JournalEvent } from '../../main/api/views.ts';
import { burstSentence } from '../text/burst-sentences.ts';
import { formatDuration } from '../text/format.ts';
import { families, type Family, faultClause, readingOf, type Tone } from '../text/journal-sentences.ts';
import { type Burst, FaultFinder, sinceFault, toBursts } from './bursts.ts';

/** How far back the narrator looks; older than that nothing is news. */
const narratedEventsMax = 400;
const everyFamily: ReadonlySet<Family> = new Set(families);

export type Narration = { readonly sentence: string; readonly event: JournalEvent; readonly tone: Tone };

export function narrate(events: readonly JournalEvent[]): Narration | null {
  const recent = events.slice(-narratedEventsMax);
  const bursts = toBursts(recent, everyFamily);
  const weighs = (weight: number) => (burst: Burst) => readingOf(burst.events[0].entry).weight === weight;
  const burst = bursts.findLast(weighs(2)) ?? bursts.findLast(weighs(1));
  if (!burst) return null;
  const [event] = burst.events;
  return { sentence: timed(burstSentence(burst), event, recent), event, tone: readingOf(event.entry).tone };
}

/** "…, 412 ms after broker 2 was killed." */
function timed(sentence: string, event: JournalEvent, recent: readonly JournalEvent[]): string {
  const finder = new FaultFinder();
  let fault: JournalEvent | null = null;
  for (const earlier of recent) {
    if (earlier === event) break;
    if (finder.isFault(earlier.entry)) fault = earlier;
  }
  if (finder.isFault(event.entry)) return sentence;
  const since = sinceFault(fault, event);
  if (fault === null || since === null) return sentence;
  return `${sentence.replace(/\.$/, '')}, ${formatDuration(since)} after ${faultClause(fault.entry)}.`;
}
