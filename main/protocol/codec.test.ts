import { describe, expect, test } from 'vitest';
import { apis } from './api-keys.ts';
import { defaultsOf } from './codec.ts';
import { consumerGroupMetadataValue } from './messages/group-coordinator-records.ts';
import { fetchApi } from './messages/fetch.ts';
import { joinGroupApi } from './messages/join-group.ts';
import { metadataApi } from './messages/metadata.ts';
import { offsetCommitApi } from './messages/offset-commit.ts';
import { produceApi } from './messages/produce.ts';
import { streamsGroupHeartbeatApi } from './messages/streams-group-heartbeat.ts';
import { FrameSizeError, ProtocolError, UnsupportedVersionError } from './protocol-error.ts';
import type { Field, Message } from './schema.ts';
import { includesVersion, parseVersions } from './versions.ts';
import { WireReader } from './wire-reader.ts';
import { referenceBytesMin } from './wire-writer.ts';

/** A value in which every field that the version has differs from its default. */
function sample(fields: Readonly<Record<string, Field>>, version: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (includesVersion(parseVersions(field.versions), version)) values[name] = sampleOf(field, version);
  }
  return values;
}

function sampleOf(field: Field, version: number): unknown {
  if (field.kind === 'struct' || field.kind === 'array') {
    const one =
      field.element === null || typeof field.element === 'string'
        ? samples[field.element ?? 'bool']
        : sample(field.element, version);
    return field.kind === 'array' ? [one, one] : one;
  }
  return samples[field.kind];
}

const samples: Readonly<Record<string, unknown>> = {
  bool: true,
  int8: 7,
  int16: 300,
  uint16: 65_000,
  int32: 70_000,
  uint32: 4_000_000_000,
  int64: 2 ** 40,
  int64Saturating: 2 ** 40,
  int64Exact: -(2n ** 62n),
  float64: 0.5,
  uuid: 'GOTMrur6GjUcg58XWgCh-A',
  string: 'größe',
  bytes: Buffer.from('abc'),
  records: Buffer.from('records'),
};

const hostile: readonly Message<unknown>[] = [
  produceApi.request,
  fetchApi.request,
  fetchApi.response,
  metadataApi.response,
  joinGroupApi.request,
  offsetCommitApi.request,
  streamsGroupHeartbeatApi.request,
];

/** Decodes and demands that the outcome is a value or a ProtocolError. */
function decodeAnything(message: Message<unknown>, version: number, bytes: Buffer): ProtocolError | null {
  try {
    message.decodeFrom(bytes, version);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return error as ProtocolError;
  }
}

describe('hostile bytes', () => {
  for (const message of hostile) {
    test(`${message.name}: cut at any byte is a ProtocolError in every version`, () => {
      for (let version = message.versions.min; version <= message.versions.max; version++) {
        const whole = message.encodeToBuffer(version, sample(message.fields, version));
        expect(decodeAnything(message, version, whole)).toBeNull();
        for (let length = 0; length < whole.length; length++) {
          expect(decodeAnything(message, version, whole.subarray(0, length)), `${version} at ${length}`).not.toBeNull();
        }
      }
    });

    test(`${message.name}: any byte replaced by 0x00, 0x7f, 0x80 or 0xff is a value or a ProtocolError`, () => {
      for (let version = message.versions.min; version <= message.versions.max; version++) {
        const whole = message.encodeToBuffer(version, sample(message.fields, version));
        for (let index = 0; index < whole.length; index++) {
          for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
            const changed = Buffer.from(whole);
            changed[index] = byte;
            decodeAnything(message, version, changed);
          }
        }
      }
    });
  }

  test('every API decodes an empty body and a body of 0xff to a value or a ProtocolError', () => {
    for (const api of apis) {
      for (const message of [api.request, api.response]) {
        for (let version = api.versions.min; version <= api.versions.max; version++) {
          decodeAnything(message, version, Buffer.alloc(0));
          decodeAnything(message, version, Buffer.alloc(64, 0xff));
          decodeAnything(message, version, Buffer.alloc(64, 0x7f));
        }
      }
    }
  });

  test('an array that announces more than the bytes left can hold is refused before it is allocated', () => {
    // Metadata 0: an array of topics with two-byte lengths, announced as 2^31−1.
    const error = decodeAnything(metadataApi.request, 0, Buffer.from('7fffffff0000', 'hex'));
    expect(error?.message).toBe('topics: array of 2147483647 elements does not fit in the 2 bytes left');
  });

  test('a count of tagged fields that cannot fit is refused', () => {
    const body = Buffer.concat([Buffer.from('010000', 'hex'), Buffer.from('ffffffff0f', 'hex')]);
    expect(decodeAnything(metadataApi.request, 12, body)?.message).toContain('tagged fields do not fit');
  });

  test('an error names the field with its place', () => {
    const body = offsetCommitApi.request.encodeToBuffer(7, {
      groupId: 'g',
      topics: [{ name: 'a' }, { name: 'b', partitions: [{ partitionIndex: 1, committedMetadata: 'x' }] }],
    });
    const error = decodeAnything(offsetCommitApi.request, 7, body.subarray(0, body.length - 1));
    expect(error?.field).toBe('topics[1].partitions[0].committedMetadata');
    expect(error?.message).toBe('topics[1].partitions[0].committedMetadata: needs 1 bytes, 0 are left');
  });

  test('null where the schema forbids it is refused', () => {
    expect(decodeAnything(offsetCommitApi.request, 7, Buffer.from('ffff', 'hex'))?.message).toBe(
      'groupId: must not be null',
    );
  });

  test('a tagged field that does not end where it says is refused', () => {
    const body = fetchApi.request.encodeToBuffer(15, { replicaState: { replicaId: 1, replicaEpoch: 2 } });
    const at = body.indexOf(Buffer.from('010d', 'hex'));
    expect(at).toBeGreaterThan(0);
    body[at + 1] = 0x0e;
    expect(decodeAnything(fetchApi.request, 15, body)?.field).toBe('replicaState');
  });
});

describe('64-bit integers', () => {
  const partition = { partition: 0, fetchOffset: 0, logStartOffset: 0 };

  function withOffset(hex: string): Buffer {
    const body = fetchApi.request.encodeToBuffer(4, {
      topics: [{ topic: 't', partitions: [{ ...partition, fetchOffset: 0x1122334455667 }] }],
    });
    body.write(hex, body.indexOf(Buffer.from('0001122334455667', 'hex')), 'hex');
    return body;
  }

  test('a fetch offset beyond 2^53−1 is clamped, both ways', () => {
    const offsets = ['7fffffffffffffff', '8000000000000000', 'ffe0000000000000', 'ffffffffffffffff'].map(
      (hex) => fetchApi.request.decodeFrom(withOffset(hex), 4).topics[0]?.partitions[0]?.fetchOffset,
    );
    expect(offsets).toEqual([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -1]);
  });

  test('the borders of ±(2^53−1) are read and the next value is refused', () => {
    const read = (hex: string) => new WireReader(Buffer.from(hex, 'hex')).int64();
    expect(read('001fffffffffffff')).toBe(Number.MAX_SAFE_INTEGER);
    expect(read('ffe0000000000001')).toBe(Number.MIN_SAFE_INTEGER);
    for (const hex of ['0020000000000000', 'ffe0000000000000', '7fffffffffffffff', '8000000000000000']) {
      expect(() => read(hex)).toThrow(ProtocolError);
    }
  });

  test('in wide mode what a number cannot hold is a bigint', () => {
    const reader = new WireReader(Buffer.from('7fffffffffffffff0000000000000005', 'hex'), { wide: true });
    expect(reader.int64()).toBe(0x7fffffffffffffffn);
    expect(reader.int64()).toBe(5);
  });

  test('a metadata hash keeps all 64 bits', () => {
    const body = consumerGroupMetadataValue.encodeToBuffer(0, { epoch: 1, metadataHash: -0x7edcba9876543210n });
    expect(consumerGroupMetadataValue.decodeFrom(body, 0).metadataHash).toBe(-0x7edcba9876543210n);
  });
});

describe('writing', () => {
  test('a field left out takes its default', () => {
    const body = fetchApi.request.encodeToBuffer(18, {});
    const decoded = fetchApi.request.decodeFrom(body, 18);
    expect(decoded).toEqual(defaultsOf(fetchApi.request.fields));
    expect(decoded.maxBytes).toBe(0x7fffffff);
  });

  test('a value that the version cannot carry is refused unless it may be dropped', () => {
    const write = () => produceApi.request.encodeToBuffer(2, {});
    expect(write).toThrow(UnsupportedVersionError);
    expect(() => fetchApi.request.encodeToBuffer(15, { replicaId: 3 })).toThrow(
      /replicaId: version 15 cannot carry it/,
    );
    // Ignorable: dropped.
    expect(fetchApi.request.encodeToBuffer(4, { rackId: 'a' })).toEqual(fetchApi.request.encodeToBuffer(4, {}));
  });

  test('big byte fields go out by reference, in one piece or several', () => {
    const pieces = [Buffer.alloc(referenceBytesMin, 1), Buffer.alloc(3, 2), Buffer.alloc(referenceBytesMin, 3)];
    const value = { responses: [{ partitions: [{ records: pieces }] }] };
    const body = fetchApi.response.encodeToBuffer(12, value);
    const decoded = fetchApi.response.decodeFrom(body, 12);
    expect(decoded.responses[0]?.partitions[0]?.records).toEqual(Buffer.concat(pieces));
  });

  test('decoded records are a view on the frame', () => {
    const body = produceApi.request.encodeToBuffer(9, {
      topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.from('batch') }] }],
    });
    const records = produceApi.request.decodeFrom(body, 9).topicData[0]?.partitionData[0]?.records;
    expect(records?.buffer).toBe(body.buffer);
  });

  test('unknown tagged fields are kept, in order with the known ones', () => {
    const value = {
      clusterId: 'c',
      replicaState: { replicaId: 1, replicaEpoch: 1 },
      unknownTaggedFields: [{ tag: 0x4000, data: Buffer.from('x') }],
    };
    const body = fetchApi.request.encodeToBuffer(15, value);
    const decoded = fetchApi.request.decodeFrom(body, 15);
    expect(decoded.unknownTaggedFields).toEqual([{ tag: 0x4000, data: Buffer.from('x') }]);
    expect(fetchApi.request.encodeToBuffer(15, decoded)).toEqual(body);
    expect(() => fetchApi.request.encodeToBuffer(4, { unknownTaggedFields: value.unknownTaggedFields })).toThrow(
      UnsupportedVersionError,
    );
  });

  test('a number that its type cannot hold and a text too long name the field', () => {
    expect(() => fetchApi.response.encodeToBuffer(7, { errorCode: 40_000 })).toThrow(/^errorCode: /);
    expect(() => fetchApi.response.encodeToBuffer(7, { errorCode: 40_000 })).toThrow(ProtocolError);
    expect(() => joinGroupApi.request.encodeToBuffer(6, { groupId: 'x'.repeat(32_768) })).toThrow(
      /^groupId: string of/,
    );
    expect(() => fetchApi.request.encodeToBuffer(13, { topics: [{ topicId: 'short' }] })).toThrow(
      /^topics\[0\].topicId/,
    );
  });
});

test('FrameSizeError and UnsupportedVersionError are ProtocolErrors', () => {
  expect(new FrameSizeError(-1, 10)).toBeInstanceOf(ProtocolError);
  expect(new UnsupportedVersionError('x')).toBeInstanceOf(ProtocolError);
});
