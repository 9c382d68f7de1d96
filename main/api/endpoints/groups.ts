// Endpoints of the Groups screen: what a group is doing, and its offsets.

import * as v from 'valibot';
import type { GroupDetail, OffsetResetPlan, OffsetResetResult } from '../group-views.ts';
import type { JournalEvent } from '../views.ts';

const groupId = v.string();
const position = v.pipe(v.number(), v.integer());

/** Where a reset goes; the words are those of kafka-consumer-groups. */
const target = v.variant('to', [
  v.object({ to: v.literal('earliest') }),
  v.object({ to: v.literal('latest') }),
  v.object({ to: v.literal('offset'), offset: v.pipe(position, v.minValue(0)) }),
  v.object({ to: v.literal('timestamp'), timestampMs: v.pipe(position, v.minValue(0)) }),
  v.object({ to: v.literal('shift'), by: position }),
  v.object({ to: v.literal('duration'), durationMs: v.pipe(position, v.minValue(0)) }),
]);

const reset = v.object({
  groupId,
  target,
  /** Null: every topic that the group has offsets for. */
  topic: v.nullable(v.string()),
  /** Null: all partitions. */
  partitions: v.nullable(v.pipe(v.array(v.pipe(position, v.minValue(0))), v.maxLength(10_000))),
});

export const groupInputs = {
  'groups.describe': v.object({ groupId }),
  /** Its rebalances in the journal, kept longer than other events. */
  'groups.events': v.object({ groupId }),
  'groups.previewReset': reset,
  'groups.reset': reset,
  'groups.delete': v.object({ groupId }),
  'groups.deleteOffsets': v.object({ groupId, topic: v.string() }),
} as const;

export type OffsetTarget = v.InferOutput<typeof target>;
export type OffsetResetInput = v.InferOutput<typeof reset>;

export type GroupOutputs = {
  'groups.describe': GroupDetail;
  'groups.events': readonly JournalEvent[];
  'groups.previewReset': OffsetResetPlan;
  'groups.reset': OffsetResetResult;
  'groups.delete': null;
  'groups.deleteOffsets': null;
};
