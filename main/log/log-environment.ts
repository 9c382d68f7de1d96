// What a partition's log is opened with, and what all logs of a node share.

import type { Offset, PartitionId, TopicId } from '../core/ids.ts';
import type { Journal } from '../core/journal.ts';
import type { LogConfig } from './log-config.ts';
import type { SegmentEnvironment } from './segment.ts';
import type { TailCache } from './tail-cache.ts';

/** What all logs of a node share. */
export type LogEnvironment = SegmentEnvironment & {
  readonly tailCache: TailCache;
  readonly journal?: Journal;
};

export type PartitionLogOptions = {
  readonly environment: LogEnvironment;
  /** The partition's own directory, `…/topic-3`; made when missing. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: PartitionId;
  /** Null: take what partition.metadata says. */
  readonly topicId: TopicId | null;
  readonly config: LogConfig;
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
  readonly hadCleanShutdown: boolean;
  /** The log was cut below what a checkpoint may claim to be safe: it must be corrected before new records follow. */
  readonly onRecoveryPointLowered?: () => void;
};
