// Endpoints of the Quorum screen: what the quorum's leader knows of the others, and the metadata log as changes.

import * as v from 'valibot';
import type { MetadataLogPage, QuorumDescription } from '../quorum-views.ts';
import type { JournalEvent } from '../views.ts';

export const quorumInputs = {
  'quorum.describe': v.object({}),
  /** The messages of elections, kept longer than other events. */
  'quorum.events': v.object({}),
  /** What came after an offset; null: the newest entries. */
  'quorum.log': v.object({ after: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(-1))) }),
} as const;

export type QuorumOutputs = {
  'quorum.describe': QuorumDescription;
  'quorum.events': readonly JournalEvent[];
  'quorum.log': MetadataLogPage;
};
