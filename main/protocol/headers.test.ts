import { describe, expect, test } from 'vitest';
import { ApiKey, advertisedByKafka, apiOf, apis, findApi, latestStableVersion } from './api-keys.ts';
import { ErrorCode, errorName, invalidatesMetadata, isRetriable } from './errors.ts';
import { encodeRequest, encodeResponse, readRequestHeader, readResponseHeader } from './headers.ts';
import { apiVersionsApi } from './messages/api-versions.ts';
import { fetchApi } from './messages/fetch.ts';
import { metadataApi } from './messages/metadata.ts';
import { groupCoordinatorRecords } from './messages/group-coordinator-records.ts';
import { decodeMetadataRecord, encodeMetadataRecord } from './metadata-record-frame.ts';
import { ProtocolError } from './protocol-error.ts';
import { isReservedUuid, isUuid, randomUuid, zeroUuid } from './uuid.ts';
import { WireReader } from './wire-reader.ts';

describe('headers', () => {
  test('a request reads back with its header', () => {
    const { chunks, size } = encodeRequest(metadataApi, 12, { correlationId: 7, clientId: 'c' }, { topics: null });
    const frame = Buffer.concat(chunks);
    expect(frame.length).toBe(size);
    expect(frame.readInt32BE(0)).toBe(size - 4);
    const reader = new WireReader(frame.subarray(4));
    const header = readRequestHeader(reader);
    expect(header).toEqual({ api: metadataApi, apiVersion: 12, correlationId: 7, clientId: 'c' });
    expect(metadataApi.request.decode(reader, 12).topics).toBeNull();
  });

  test('a null client id is read as the empty string', () => {
    const { chunks } = encodeRequest(metadataApi, 0, { correlationId: 7, clientId: null }, {});
    expect(readRequestHeader(new WireReader(Buffer.concat(chunks).subarray(4))).clientId).toBe('');
  });

  test('a key that was removed or never was is refused', () => {
    for (const key of [4, 7, 999, -1]) {
      const bytes = Buffer.alloc(20);
      bytes.writeInt16BE(key);
      expect(() => readRequestHeader(new WireReader(bytes))).toThrow(ProtocolError);
      expect(findApi(key)).toBeNull();
      expect(() => apiOf(key)).toThrow(ProtocolError);
    }
  });

  test('an ApiVersions request from the future is readable and its response has no tags in the header', () => {
    const bytes = Buffer.from('0012006300000007000163' + '00', 'hex');
    expect(readRequestHeader(new WireReader(bytes))).toMatchObject({ apiVersion: 99, correlationId: 7, clientId: 'c' });
    const { chunks } = encodeResponse(apiVersionsApi, 0, 7, {
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: ApiKey.ApiVersions, minVersion: 0, maxVersion: 4 }],
    });
    // What a live broker answered, byte for byte.
    expect(Buffer.concat(chunks).subarray(4).toString('hex')).toBe('00000007002300000001001200000004');
    const reader = new WireReader(Buffer.concat(encodeResponse(apiVersionsApi, 3, 9, {}).chunks).subarray(4));
    expect(readResponseHeader(reader, apiVersionsApi, 3)).toEqual({ correlationId: 9 });
    expect(apiVersionsApi.response.decode(reader, 3).errorCode).toBe(0);
  });

  test('record sets leave by reference, and the length counts them', () => {
    const records = Buffer.alloc(100_000, 1);
    const { chunks, size } = encodeResponse(fetchApi, 12, 1, { responses: [{ partitions: [{ records }] }] });
    expect(chunks.some((chunk) => chunk.buffer === records.buffer && chunk.length === records.length)).toBe(true);
    expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(size);
    expect(chunks[0]?.readInt32BE(0)).toBe(size - 4);
  });
});

describe('tables', () => {
  test('keys are unique, in order, and named', () => {
    expect(apis.length).toBe(89);
    expect(apis.map((api) => api.key)).toEqual([...apis.map((api) => api.key)].sort((a, b) => a - b));
    for (const api of apis) expect(ApiKey[api.name as keyof typeof ApiKey]).toBe(api.key);
    expect(latestStableVersion(apiOf(ApiKey.InitProducerId))).toBe(5);
  });

  test('Kafka advertises Produce from 0, and no client APIs on the controller', () => {
    const broker = advertisedByKafka('broker');
    expect(broker[0]).toMatchObject({ versions: { min: 0, max: 13 } });
    expect(advertisedByKafka('controller').some((range) => range.api.key === ApiKey.Metadata)).toBe(false);
    expect(broker.some((range) => range.api.key === ApiKey.Vote)).toBe(false);
  });

  test('error codes know their name and what a client may do', () => {
    expect(errorName(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe('NOT_LEADER_OR_FOLLOWER');
    expect(errorName(12_345)).toBe('UNKNOWN_ERROR_CODE_12345');
    expect(isRetriable(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true);
    expect(invalidatesMetadata(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe(true);
    expect(isRetriable(ErrorCode.OFFSET_OUT_OF_RANGE)).toBe(false);
  });
});

describe('stored records', () => {
  test('a metadata record survives its frame; unknown types, versions and left-over bytes are refused', () => {
    const stored = encodeMetadataRecord({ name: 'TopicRecord', version: 0, value: { name: 't', topicId: zeroUuid } });
    expect(decodeMetadataRecord(stored)).toEqual({
      name: 'TopicRecord',
      version: 0,
      value: { name: 't', topicId: zeroUuid },
    });
    for (const hex of ['00020000', '0106000000', '01020900', '0102']) {
      expect(() => decodeMetadataRecord(Buffer.from(hex, 'hex'))).toThrow(ProtocolError);
    }
    expect(() => decodeMetadataRecord(Buffer.concat([stored, Buffer.of(0)]))).toThrow(/1 bytes are left/);
  });

  test('a coordinator record survives, a tombstone too, and an unknown type is null', () => {
    const key = { group: 'g', topic: 't', partition: 3 };
    const { key: keyBytes, value } = groupCoordinatorRecords.encode({
      name: 'OffsetCommit',
      key,
      valueVersion: 3,
      value: { offset: 42, metadata: 'm' },
    });
    const decoded = groupCoordinatorRecords.decode(keyBytes, value);
    expect(decoded).toMatchObject({
      name: 'OffsetCommit',
      key,
      valueVersion: 3,
      value: { offset: 42, leaderEpoch: -1 },
    });
    const tombstone = groupCoordinatorRecords.encode({ name: 'OffsetCommit', key, valueVersion: -1, value: null });
    expect(groupCoordinatorRecords.decode(tombstone.key, tombstone.value)).toMatchObject({ key, value: null });
    expect(groupCoordinatorRecords.decode(Buffer.from('7fff', 'hex'), null)).toBeNull();
  });
});

test('random uuids are version 4, never reserved, never lead with a dash', () => {
  let drawn = 0;
  const random = {
    // First sixteen bytes that print as "-…", then others.
    bytes: (count: number) => new Uint8Array(count).fill(drawn++ === 0 ? 0xfb : 0x11),
  };
  const id = randomUuid(random);
  expect(drawn).toBe(2);
  expect(isUuid(id)).toBe(true);
  expect(isReservedUuid(id)).toBe(false);
  expect(isReservedUuid(zeroUuid)).toBe(true);
});
