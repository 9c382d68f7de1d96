// Opens this node's log directories, formatting first what is new; refusals name the cause and the way out. One that
// can't be read or written is left out, unless it is the first, which holds the metadata log.

import type { Journal } from '../core/journal.ts';
import { LogDirectories } from '../log/log-directories.ts';
import { formatLogDirectory, LogDirectory, readMetaProperties } from '../log/log-directory.ts';
import type { LogEnvironment } from '../log/log-environment.ts';
import { LogDirectoryError } from '../log/log-error.ts';
import { topicLogConfig, type BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { bootstrapRecords } from '../metadata/features.ts';
import type { MetadataImage } from '../metadata/metadata-image.ts';
import { encodeMetadataRecord } from '../protocol/metadata-record-frame.ts';
import { randomUuid } from '../protocol/uuid.ts';
import { encodeSnapshot } from '../raft/snapshots.ts';
import { DiskError, type Runtime } from '../runtime/runtime.ts';
import { StartupError } from './startup-error.ts';

export type LogDirectoriesOptions = {
  readonly runtime: Runtime;
  readonly settings: BrokerSettings;
  readonly clusterId: string;
  readonly lockFile: string | null;
  readonly image: () => MetadataImage;
  readonly journal: Journal;
  readonly log: (text: string) => void;
};

export function openLogDirectories(options: LogDirectoriesOptions): LogDirectories {
  const [mainPath = '', ...otherPaths] = logDirectoryPaths(options.settings);
  const main = openOne(options, mainPath, null);
  const directories = [main];
  const offlinePaths: string[] = [];
  for (const path of otherPaths) {
    try {
      directories.push(openOne(options, path, main.environment));
    } catch (error) {
      if (!(error instanceof StartupError) || !(rootCause(error) instanceof DiskError)) throw error;
      options.log(`${error.message}: going on without it`);
      offlinePaths.push(path);
    }
  }
  try {
    return new LogDirectories(directories, offlinePaths);
  } catch (error) {
    if (error instanceof LogDirectoryError) throw refusal(error);
    throw error;
  }
}

/** `log.dirs`, that of the metadata log first. */
function logDirectoryPaths(settings: BrokerSettings): string[] {
  const paths = [...new Set(settings.list('log.dirs'))];
  const metadata = settings.text('metadata.log.dir');
  return metadata === null || metadata === '' ? paths : [metadata, ...paths.filter((path) => path !== metadata)];
}

/** Throws StartupError. */
function openOne(options: LogDirectoriesOptions, path: string, environment: LogEnvironment | null): LogDirectory {
  const { runtime, settings, clusterId, lockFile, image, journal, log } = options;
  const { disk, clock, random } = runtime;
  const { nodeId } = settings;
  try {
    if (readMetaProperties(disk, path) === null) {
      const isMain = environment === null;
      formatLogDirectory({
        disk,
        clock,
        path,
        clusterId,
        nodeId,
        directoryId: randomUuid(random),
        ...(isMain ? { bootstrapCheckpoint: bootstrapCheckpoint(clock.wallMs()) } : {}),
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
      // The file names the one process that has all of them.
      ...(lockFile === null || environment !== null ? {} : { lockFile }),
      ...(environment === null ? {} : { environment }),
    });
  } catch (error) {
    if (error instanceof LogDirectoryError) throw refusal(error);
    if (!(error instanceof DiskError)) throw error;
    const advice = 'give a directory that you can write with --data';
    throw new StartupError(`log directory ${path}: ${error.message}`, advice, error);
  }
}

function refusal(error: LogDirectoryError): StartupError {
  const advice = 'give the directory that belongs to this cluster with --data, or a new one';
  return new StartupError(error.message, advice, error);
}

function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
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
