// What stands in control batches. All are written at version 0. LeaderChangeMessage 1 is defined and never written.

import { array, int16, int32, int64, message, string, struct, uint16, uuid, type DecodedOf } from '../schema.ts';

export const controlRecordTypeSchema = message({
  name: 'ControlRecordTypeSchema',
  versions: '0',
  flexible: 'none',
  fields: {
    type: int16('0+'),
  },
});
export type ControlRecordTypeSchema = DecodedOf<typeof controlRecordTypeSchema>;

export const endTxnMarker = message({
  name: 'EndTxnMarker',
  versions: '0',
  flexible: 'none',
  fields: {
    coordinatorEpoch: int32('0+'),
  },
});
export type EndTxnMarker = DecodedOf<typeof endTxnMarker>;

export const kraftVersionRecord = message({
  name: 'KRaftVersionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    kRaftVersion: int16('0+'),
  },
});
export type KraftVersionRecord = DecodedOf<typeof kraftVersionRecord>;

const leaderChangeVoter = {
  voterId: int32('0+'),
  voterDirectoryId: uuid('1+'),
} as const;

export const leaderChangeMessage = message({
  name: 'LeaderChangeMessage',
  versions: '0-1',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    leaderId: int32('0+'),
    voters: array('0+', leaderChangeVoter),
    grantingVoters: array('0+', leaderChangeVoter),
  },
});
export type LeaderChangeMessage = DecodedOf<typeof leaderChangeMessage>;

export const snapshotFooterRecord = message({
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
  },
});
export type SnapshotFooterRecord = DecodedOf<typeof snapshotFooterRecord>;

export const snapshotHeaderRecord = message({
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    lastContainedLogTimestamp: int64('0+'),
  },
});
export type SnapshotHeaderRecord = DecodedOf<typeof snapshotHeaderRecord>;

export const votersRecord = message({
  name: 'VotersRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    voters: array('0+', {
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
      endpoints: array('0+', {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
      }),
      kRaftVersionFeature: struct('0+', {
        minSupportedVersion: int16('0+'),
        maxSupportedVersion: int16('0+'),
      }),
    }),
  },
});
export type VotersRecord = DecodedOf<typeof votersRecord>;

/** Type numbers in the key of a control record. */
export const ControlRecordType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const;
export type ControlRecordType = (typeof ControlRecordType)[keyof typeof ControlRecordType];
