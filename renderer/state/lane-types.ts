// What a timeline draws: lanes of brokers, clients and transactions with spans and marks on the time of a run.

import type { ClientMark, DrillSample, DrillStepRecord } from '../../main/api/drill-views.ts';
import type { JournalEvent } from '../../main/api/views.ts';

export type LaneTone = 'accent' | 'ok' | 'degraded' | 'lost' | 'frozen' | 'muted';

export type LaneSpan = {
  readonly fromMs: number;
  /** null: it lasts. */
  readonly toMs: number | null;
  readonly tone: LaneTone;
  readonly text: string;
};

export type LaneMark = {
  readonly atMs: number;
  readonly shape: 'diamond' | 'crown' | 'disc' | 'tick' | 'cross';
  readonly tone: LaneTone;
  readonly text: string;
};

export type Lane = {
  readonly id: string;
  readonly label: string;
  readonly kind: 'steps' | 'broker' | 'client' | 'transaction';
  readonly spans: readonly LaneSpan[];
  readonly marks: readonly LaneMark[];
};

export type TimedEvent = JournalEvent & { readonly atMs: number };

export type LaneInput = {
  readonly steps: readonly DrillStepRecord[];
  readonly samples: readonly DrillSample[];
  readonly marks: readonly ClientMark[];
  readonly events: readonly TimedEvent[];
  readonly brokers: readonly number[];
  readonly topics: readonly string[];
};
