// Endpoints of the Quorum screen: what the quorum's leader knows of the others, and the metadata log as changes.

import * as v from 'valibot';
import type { MetadataLogPage, QuorumDescription } from '../quorum-views.ts';

export const quorumInputs = {
  'quorum.describe': v.object({}),
  /** What came after an offset; null: the newest entries. */
  'quorum.log': v.object({ after: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(-1))) }),
} as const;

export type QuorumOutputs = {
  'quorum.describe': QuorumDescription;
  'quorum.log': MetadataLogPage;
};
