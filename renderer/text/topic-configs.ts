// What each topic config does, in a sentence, and how its values read. Kafka judges values; this only explains.

import { formatBytes, formatDuration } from './format.ts';

export type ConfigNote = {
  readonly sentence: string;
  readonly unit?: 'ms' | 'bytes';
  /** Offered as choices; several may be joined for lists. */
  readonly options?: readonly string[];
};

const booleans = ['true', 'false'];

export const topicConfigNotes: Readonly<Record<string, ConfigNote>> = {
  'cleanup.policy': {
    sentence:
      'What happens to old records: delete drops whole segments by age or size, compact keeps the newest record of each key, both together do both.',
    options: ['delete', 'compact', 'compact,delete'],
  },
  'compression.gzip.level': { sentence: 'How hard gzip works, from 1 to 9; −1 is its own default.' },
  'compression.lz4.level': { sentence: 'How hard lz4 works, from 1 to 17.' },
  'compression.zstd.level': { sentence: 'How hard zstd works, up to 22.' },
  'compression.type': {
    sentence: 'How batches lie on the disk. producer keeps what the producer chose; anything else packs them anew.',
    options: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
  },
  'delete.retention.ms': {
    sentence:
      'How long a tombstone of a compacted topic stays, so that a reader who started before it still sees the deletion.',
    unit: 'ms',
  },
  'file.delete.delay.ms': { sentence: 'How long a deleted segment stays on the disk before it goes.', unit: 'ms' },
  'flush.messages': {
    sentence: 'After how many records the log is flushed to the disk. Kafka leaves this to replication and the system.',
  },
  'flush.ms': { sentence: 'After how long the log is flushed to the disk at the latest.', unit: 'ms' },
  'follower.replication.throttled.replicas': {
    sentence: 'Replicas whose catching up is throttled, as partition:broker pairs, or * for all.',
  },
  'leader.replication.throttled.replicas': {
    sentence: 'Leaders whose sending to followers is throttled, as partition:broker pairs, or * for all.',
  },
  'index.interval.bytes': {
    sentence: 'An index entry is written about every so many bytes of log: denser finds faster and takes more room.',
    unit: 'bytes',
  },
  'local.retention.bytes': {
    sentence: 'With tiered storage: bytes of a partition kept on the broker. −2 is retention.bytes.',
    unit: 'bytes',
  },
  'local.retention.ms': {
    sentence: 'With tiered storage: how long segments stay on the broker. −2 is retention.ms.',
    unit: 'ms',
  },
  'max.compaction.lag.ms': {
    sentence: 'A record is compacted at the latest after this, however clean the log is.',
    unit: 'ms',
  },
  'max.message.bytes': {
    sentence: 'The largest batch that the topic takes, after compression. Larger ones are MESSAGE_TOO_LARGE.',
    unit: 'bytes',
  },
  'message.timestamp.after.max.ms': {
    sentence: 'How far in the future a record’s timestamp may lie before it is refused.',
    unit: 'ms',
  },
  'message.timestamp.before.max.ms': {
    sentence: 'How far in the past a record’s timestamp may lie before it is refused.',
    unit: 'ms',
  },
  'message.timestamp.type': {
    sentence: 'Whose clock stands in a record: the producer’s when it was made, or the broker’s when it was appended.',
    options: ['CreateTime', 'LogAppendTime'],
  },
  'min.cleanable.dirty.ratio': {
    sentence:
      'How much of the log must be dirty before the cleaner works on it: lower keeps it smaller and works more.',
  },
  'min.compaction.lag.ms': { sentence: 'A record stays uncompacted at least this long.', unit: 'ms' },
  'min.insync.replicas': {
    sentence:
      'Replicas that must be in sync for an acks=all write. With fewer the leader answers NOT_ENOUGH_REPLICAS: no write rather than one that may be lost.',
  },
  preallocate: { sentence: 'Whether a new segment gets its whole size on the disk at once.', options: booleans },
  'remote.log.copy.disable': { sentence: 'With tiered storage: stops copying segments away.', options: booleans },
  'remote.log.delete.on.disable': {
    sentence: 'With tiered storage: whether switching it off deletes what was copied.',
    options: booleans,
  },
  'remote.storage.enable': { sentence: 'Whether old segments move to tiered storage.', options: booleans },
  'retention.bytes': {
    sentence: 'How large a partition may grow before its oldest segments go. −1 is without bound.',
    unit: 'bytes',
  },
  'retention.ms': {
    sentence: 'How long records stay. A segment goes when its newest record is older. −1 keeps them for ever.',
    unit: 'ms',
  },
  'segment.bytes': {
    sentence: 'How large a segment grows before a new one begins. Retention and compaction work on whole segments.',
    unit: 'bytes',
  },
  'segment.index.bytes': {
    sentence: 'How large an index file may grow; a full one begins a new segment.',
    unit: 'bytes',
  },
  'segment.jitter.ms': {
    sentence: 'Spreads the beginning of new segments, so that they do not all roll at once.',
    unit: 'ms',
  },
  'segment.ms': {
    sentence: 'A new segment begins at the latest after this, even when the old one is not full.',
    unit: 'ms',
  },
  'unclean.leader.election.enable': {
    sentence:
      'Whether a replica out of sync may lead when no other is left: the partition takes writes again, and what the others had is lost.',
    options: booleans,
  },
};

const longest = '9223372036854775807';

/** `604800000` is `7 d`: what a person reads beside the value; null when the value says it itself. */
export function readableValue(name: string, value: string | null): string | null {
  const unit = topicConfigNotes[name]?.unit;
  if (value === null) return null;
  if (value === longest) return 'without bound';
  const number = Number(value);
  if (unit === undefined || value === '' || !Number.isFinite(number)) return null;
  if (number < 0) return name.startsWith('local.') ? `as ${name.slice('local.'.length)}` : 'without bound';
  if (unit === 'bytes') return number < 1000 ? null : formatBytes(number);
  return longDuration(number);
}

function longDuration(ms: number): string {
  const days = ms / 86_400_000;
  if (days >= 1 && Number.isInteger(days)) return `${days} d`;
  const hours = ms / 3_600_000;
  if (hours >= 1 && Number.isInteger(hours)) return `${hours} h`;
  return formatDuration(ms);
}
