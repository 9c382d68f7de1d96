// AlterUserScramCredentials: what is written, what is refused and in whose words, and that a snapshot keeps it.

import { describe, expect, it } from 'vitest';
import { BrokerSettings } from '../metadata/configs/broker-settings.ts';
import { bootstrapRecords } from '../metadata/features.ts';
import { MetadataDelta } from '../metadata/metadata-delta.ts';
import { emptyMetadataImage, imageToRecords, type MetadataImage } from '../metadata/metadata-image.ts';
import { featureRecord } from '../metadata/settings-image.ts';
import { saltedPassword, scramMechanisms } from '../net/sasl/scram-keys.ts';
import { present } from '../core/assert.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { AlterUserScramCredentialsRequest } from '../protocol/messages/alter-user-scram-credentials.ts';
import { seededRandom } from '../runtime/simulated/seeded-random.ts';
import { BrokerHeartbeats } from './broker-heartbeats.ts';
import { alterUserScramCredentials } from './scram-control.ts';

type Upsertion = AlterUserScramCredentialsRequest['upsertions'][number];
type Deletion = AlterUserScramCredentialsRequest['deletions'][number];

const provenance = { lastContainedOffset: 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 };
const sha256 = present(scramMechanisms[0], 'SCRAM-SHA-256');
/** RFC 7677's example. */
const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const alice: Upsertion = {
  name: 'alice',
  mechanism: 1,
  iterations: 4096,
  salt,
  saltedPassword: saltedPassword(sha256, 'pencil', salt, 4096),
};

class Controller {
  image: MetadataImage;

  constructor(metadataVersion = 30) {
    const records = [...bootstrapRecords(), featureRecord('metadata.version', metadataVersion)];
    this.image = new MetadataDelta(emptyMetadataImage).replayAll(records).apply(provenance);
  }

  alter(request: { deletions?: Deletion[]; upsertions?: Upsertion[] }): [string, number, string | null][] {
    const { records, response } = alterUserScramCredentials(
      {
        image: this.image,
        settings: new BrokerSettings({ 'node.id': '1' }),
        clusterId: 'cluster',
        random: seededRandom(1, 'scram'),
        heartbeats: new BrokerHeartbeats(9000),
        nowMs: 0,
        nextOffset: 2,
      },
      { deletions: [], upsertions: [], ...request },
    );
    this.image = new MetadataDelta(this.image).replayAll(records).apply(provenance);
    return response.results.map(({ user, errorCode, errorMessage }) => [user, errorCode, errorMessage]);
  }
}

const fine = (user: string) => [user, ErrorCode.NONE, null];
const twice = 'A user credential cannot be altered twice in the same request';

describe('AlterUserScramCredentials', () => {
  it('keeps the two keys that RFC 5802 makes of a salted password, and a snapshot keeps them', () => {
    const controller = new Controller();
    expect(controller.alter({ upsertions: [alice] })).toEqual([fine('alice')]);
    const kept = controller.image.scram.get('1:alice');
    expect(kept).toMatchObject({ name: 'alice', mechanism: 1, iterations: 4096, salt });
    expect(kept?.storedKey.toString('base64')).toBe('WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=');
    expect(kept?.serverKey.toString('base64')).toBe('wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');

    const snapshot = new MetadataDelta(emptyMetadataImage, { isSnapshot: true });
    const read = snapshot.replayAll(imageToRecords(controller.image)).apply(provenance);
    expect(read.scram.get('1:alice')).toEqual(kept);
  });

  it('takes mechanisms of one user apart, and takes them away one by one', () => {
    const controller = new Controller();
    controller.alter({ upsertions: [alice] });
    controller.alter({ upsertions: [{ ...alice, mechanism: 2, iterations: 8192 }] });
    expect([...controller.image.scram.keys()]).toEqual(['1:alice', '2:alice']);
    expect(controller.alter({ deletions: [{ name: 'alice', mechanism: 1 }] })).toEqual([fine('alice')]);
    expect([...controller.image.scram.keys()]).toEqual(['2:alice']);
  });

  it.each([
    [{ name: '' }, ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty'],
    [{ mechanism: 0 }, ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism'],
    [{ mechanism: 3 }, ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism'],
    [{ iterations: 4095 }, ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too few iterations'],
    [{ iterations: 16385 }, ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too many iterations'],
  ])('refuses %o', (change, code, message) => {
    const controller = new Controller();
    const upsertion = { ...alice, ...change };
    expect(controller.alter({ upsertions: [upsertion] })).toEqual([[upsertion.name, code, message]]);
    expect(controller.image.scram.size).toBe(0);
  });

  it('refuses to take away what is not there, and serves the other users of the request', () => {
    const controller = new Controller();
    const missing = 'Attempt to delete a user credential that does not exist';
    expect(controller.alter({ deletions: [{ name: 'bob', mechanism: 1 }], upsertions: [alice] })).toEqual([
      ['bob', ErrorCode.RESOURCE_NOT_FOUND, missing],
      fine('alice'),
    ]);
    expect(controller.image.scram.has('1:alice')).toBe(true);
  });

  it('alters nothing of a user who stands in the request twice', () => {
    const controller = new Controller();
    controller.alter({ upsertions: [alice] });
    const replaced = { ...alice, iterations: 8192 };
    const duplicate = [['alice', ErrorCode.DUPLICATE_RESOURCE, twice]];
    const deletion = { name: 'alice', mechanism: 1 };
    expect(controller.alter({ deletions: [deletion], upsertions: [replaced] })).toEqual(duplicate);
    expect(controller.alter({ upsertions: [replaced, replaced] })).toEqual(duplicate);
    expect(controller.alter({ deletions: [deletion, deletion, deletion] })).toEqual(duplicate);
    expect(controller.image.scram.get('1:alice')?.iterations).toBe(4096);
  });

  it('is not for metadata versions whose brokers do not know the records', () => {
    const message = 'The current metadata.version does not support SCRAM';
    expect(new Controller(10).alter({ upsertions: [alice] })).toEqual([
      ['alice', ErrorCode.UNSUPPORTED_VERSION, message],
    ]);
    expect(new Controller(11).alter({ upsertions: [alice] })).toEqual([fine('alice')]);
  });
});
