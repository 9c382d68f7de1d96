// What a leader's validation has to know: the topic's configuration, the log's end and the time.

import type { CompressionType } from './compression-type.ts';

/** Who appends. Only a client's batches are distrusted; a raft leader must have stamped its epoch itself. */
export type AppendOrigin = 'client' | 'coordinator' | 'raft';

export type LeaderAppendSettings = {
  /** For messages only. */
  readonly topicPartition: string;
  readonly origin: AppendOrigin;
  readonly leaderEpoch: number;
  /** The offset that the first record gets. */
  readonly nextOffset: number;
  readonly nowMs: number;
  /** `compression.type`: 'producer' keeps what the client chose. */
  readonly compressionType: CompressionType | 'producer';
  readonly compressionLevel?: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** `max.message.bytes`. */
  readonly messageBytesMax: number;
  /** `segment.bytes`. */
  readonly segmentBytesMax: number;
  /** `cleanup.policy` contains compact. */
  readonly isCompacted: boolean;
  readonly decompressedBytesMax?: number;
};
