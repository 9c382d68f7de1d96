// Opens this node's log directory, formatting it first when it is new; refusals name the cause and the way out.

import type { Journal } from '../core/journal.ts';
import { formatLogDirectory, LogDirectory, readMetaProperties } from '../log/log-directory.ts';
import { LogDirectoryError } from '../log/log-error.ts';
import { topicLogConfig, type BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { bootstrapRecords } from '../metadata/features.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { encodeMetadataRecord } from '../protocol/metadata-record-frame.ts';
import { randomUuid } from '../protocol/uuid.ts';
import { encodeSnapshot } from '../raft/snapshots.ts';
import { DiskError, type Runtime } from '../runtime/runtime.ts';
import { StartupError } from './startup-error.ts';

export function openLogDirectory(options: {
  readonly runtime: Runtime;
  readonly settings: BrokerSettings;
  readonly clusterId: string;
  readonly lockFile: string | null;
  readonly image: () => MetadataImage;
  readonly journal: Journal;
  readonly log: (text: string) => void;
}): LogDirectory {
  const { runtime, settings, clusterId, lockFile, image, journal, log } = options;
  const { disk, clock, random } = runtime;
  const path = settings.list('log.dirs')[0] ?? '';
  const nodeId = settings.nodeId;
  try {
    if (readMetaProperties(disk, path) === null) {
      formatLogDirectory({
        disk,
        clock,
        path,
        clusterId,
        nodeId,
        directoryId: randomUuid(random),
        bootstrapCheckpoint: bootstrapCheckpoint(clock.wallMs()),
      });
      log(`formatted ${path} for node ${nodeId} of cluster ${clusterId}`);
    }
    return LogDirectory.open({
      disk,
      clock,
      random,
      path,
      nodeId,
      clusterId,
      configFor: (topic) => topicLogConfig(image(), settings, topic),
      retentionCheckIntervalMs: settings.number('log.retention.check.interval.ms'),
      cleanerBackoffMs: settings.number('log.cleaner.backoff.ms'),
      journal,
      ...(lockFile === null ? {} : { lockFile }),
    });
  } catch (error) {
    if (error instanceof LogDirectoryError) {
      throw new StartupError(
        error.message,
        'give the directory that belongs to this cluster with --data, or a new one',
        error,
      );
    }
    if (error instanceof DiskError) {
      throw new StartupError(
        `log directory ${path}: ${error.message}`,
        'give a directory that you can write with --data',
        error,
      );
    }
    throw error;
  }
}

/** What `kafka-storage format` leaves for the first controller: the feature levels of a new cluster. */
function bootstrapCheckpoint(wallMs: number): Buffer {
  return encodeSnapshot(
    0,
    {
      timestampMs: wallMs,
      lastContainedLogTimestampMs: 0,
      records: bootstrapRecords(),
      dynamicVoters: null,
      batchBytesMax: 8 * 1024 * 1024,
    },
    {
      encode: encodeMetadataRecord,
      decode: () => {
        throw new Error('a checkpoint is only written here');
      },
    },
  );
}
