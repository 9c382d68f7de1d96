import { expect, test } from 'vitest';
import { buildBatch } from '../records/batch-builder.ts';
import type { CompressionType } from '../records/compression-type.ts';
import { SimulatedWorld } from '../runtime/simulated/simulated-world.ts';
import { SegmentInspector } from './segment-inspector.ts';

const place = { topic: 'orders', partition: 0, brokerId: 1, baseOffset: 0 };

function batchOf(baseOffset: number, values: readonly string[], compression: CompressionType = 'none'): Buffer {
  return buildBatch(
    { baseOffset, partitionLeaderEpoch: 3, compression },
    values.map((value, index) => ({
      key: Buffer.from(`k${index}`),
      value: Buffer.from(value),
      headers: [{ key: 'trace', value: Buffer.from('t1') }],
      timestamp: 1_700_000_000_000 + index,
    })),
  );
}

/** Two batches, an index entry for the second, room behind it as a running broker leaves it. */
function inspector(tail: Buffer = Buffer.alloc(0)): { inspector: SegmentInspector; second: number } {
  const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  const directory = '/node-1/orders-0';
  disk.makeDirectory(directory);
  const first = batchOf(0, ['a', 'b']);
  const write = (name: string, bytes: Uint8Array): void => {
    const file = disk.open(`${directory}/${name}`, 'create');
    file.write(bytes, 0);
    file.close();
  };
  write('00000000000000000000.log', Buffer.concat([first, batchOf(2, ['c', 'd', 'e'], 'gzip'), tail]));
  const index = Buffer.alloc(80);
  index.writeInt32BE(4, 0);
  index.writeInt32BE(first.length, 4);
  write('00000000000000000000.index', index);
  const times = Buffer.alloc(24);
  times.writeBigInt64BE(1_700_000_000_002n, 0);
  times.writeInt32BE(4, 8);
  write('00000000000000000000.timeindex', times);
  write('leader-epoch-checkpoint', Buffer.from('0\n2\n0 0\n3 2\n'));
  disk.writeFileAtomic('/node-1/recovery-point-offset-checkpoint', Buffer.from('0\n1\norders 0 2\n'));
  return { inspector: new SegmentInspector(disk, (id) => [`/node-${id}`]), second: first.length };
}

test('segments, epochs and checkpoints are read from the files', () => {
  const { inspector: inspect } = inspector();
  expect(inspect.replica(place)).toMatchObject({
    problem: null,
    segmentCount: 1,
    epochs: [
      { epoch: 0, startOffset: 0 },
      { epoch: 3, startOffset: 2 },
    ],
    checkpoints: { recoveryPoint: 2, logStartOffset: null },
  });
  expect(inspect.segments(place).segments).toMatchObject([
    { baseOffset: 0, indexEntries: 1, timeIndexEntries: 1, largestTimestamp: 1_700_000_000_002, isActive: true },
  ]);
});

test('an offset is found by its index entry and the batches behind it', () => {
  const { inspector: inspect, second } = inspector();
  expect(inspect.find(place, 4)).toMatchObject({ entryIndex: 0, batchesScanned: 1, position: second });
  expect(inspect.find(place, 1)).toMatchObject({ entry: null, batchesScanned: 1, position: 0 });
  expect(inspect.find(place, 5)).toMatchObject({ position: null });
});

test('batches are listed with their checksum, and what is no batch is said', () => {
  const { inspector: inspect, second } = inspector(Buffer.from('torn'));
  const page = inspect.batches(place, 0, 10);
  expect(page.batches.map(({ position, crcHolds }) => [position, crcHolds])).toEqual([
    [0, true],
    [second, true],
  ]);
  expect(page.problem).toContain('4 bytes');
  expect(inspect.batches(place, 1, 10).problem).toContain('no batch begins at 1');
});

test('the fields of a batch and of its records cover every byte, compressed or not', async () => {
  const { inspector: inspect, second } = inspector();
  for (const position of [0, second]) {
    const { fields, list, records, bytes, batch } = await inspect.batch({ ...place, position });
    expect(fields.map((field) => field.from).slice(1)).toEqual(fields.map((field) => field.to).slice(0, -1));
    expect(fields.at(-1)?.to).toBe(batch.bytes);
    const area = Buffer.from(records ?? bytes, 'base64');
    expect(list.at(-1)?.to).toBe(area.length);
    for (const record of list) {
      const { fields: parts } = await inspect.record({ ...place, position }, record.index);
      expect(parts[0]?.from).toBe(record.from);
      expect(parts.at(-1)?.to).toBe(record.to);
      expect(parts.find((part) => part.name === 'value')?.value).toBe(record.value);
    }
  }
});

test('a name that leads elsewhere is refused', () => {
  const { inspector: inspect } = inspector();
  expect(() => inspect.segments({ ...place, topic: '../node-2/orders' })).toThrow('there can be no topic');
});

test('compaction leaves the last record of each closed key, and says by which the others are superseded', async () => {
  const { disk } = new SimulatedWorld({ seed: 1 }).runtimeFor(1);
  const directory = '/node-1/orders-0';
  disk.makeDirectory(directory);
  const put = (baseOffset: number, keys: readonly (string | null)[], value: string | null = 'v'): Buffer =>
    buildBatch(
      { baseOffset },
      keys.map((key) => ({
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestamp: 1,
      })),
    );
  disk.writeFileAtomic(
    `${directory}/00000000000000000000.log`,
    Buffer.concat([put(0, ['a', 'b', 'a']), put(3, [null])]),
  );
  disk.writeFileAtomic(`${directory}/00000000000000000004.log`, Buffer.concat([put(4, ['b'], null), put(5, ['c'])]));
  // The active segment: never cleaned, and what it holds supersedes nothing yet.
  disk.writeFileAtomic(`${directory}/00000000000000000006.log`, put(6, ['a']));
  disk.writeFileAtomic('/node-1/cleaner-offset-checkpoint', Buffer.from('0\n1\norders 0 4\n'));
  const preview = await new SegmentInspector(disk, (id) => [`/node-${id}`]).compaction(place);
  expect(preview).toMatchObject({
    cleanedTo: 4,
    activeBaseOffset: 6,
    scannedAll: true,
    keys: 3,
    records: 6,
    stay: 3,
    superseded: 2,
    tombstones: 1,
    withoutKey: 1,
  });
  expect(preview.sample.map(({ offset, fate, by }) => `${offset} ${fate} ${by ?? ''}`.trim())).toEqual([
    '0 superseded 2',
    '1 superseded 4',
    '2 stays',
    '3 no key',
    '4 tombstone',
    '5 stays',
  ]);
});
