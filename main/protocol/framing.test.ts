import { expect, test } from 'vitest';
import { FrameSplitter } from './framing.ts';
import { FrameSizeError } from './protocol-error.ts';

function frame(body: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

const bodies = ['', 'a', 'hello', 'x'.repeat(300)].map((text) => Buffer.from(text));
const stream = Buffer.concat(bodies.map(frame));

test('frames come out whole whatever the borders of the chunks', () => {
  for (let chunkBytes = 1; chunkBytes <= stream.length; chunkBytes++) {
    const splitter = new FrameSplitter({ frameBytesMax: 300 });
    const frames: Buffer[] = [];
    for (let at = 0; at < stream.length; at += chunkBytes) {
      splitter.push(stream.subarray(at, at + chunkBytes), (one) => frames.push(one));
    }
    expect(frames).toEqual(bodies);
    expect(splitter.pendingBytes).toBe(0);
  }
});

test('a frame that lies whole in a chunk is a view on it', () => {
  const chunk = frame(Buffer.from('hello'));
  new FrameSplitter({ frameBytesMax: 10 }).push(chunk, (one) => expect(one.buffer).toBe(chunk.buffer));
});

test('a frame larger than its first memory grows to its size', () => {
  const body = Buffer.alloc(5 * 1024 * 1024, 7);
  const bytes = frame(body);
  const splitter = new FrameSplitter({ frameBytesMax: body.length });
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65_536)
    splitter.push(bytes.subarray(at, at + 65_536), (f) => frames.push(f));
  expect(frames.length).toBe(1);
  expect(frames[0]?.equals(body)).toBe(true);
});

test('a negative or oversized length is refused at the prefix, after the frames before it', () => {
  for (const size of [-1, -0x80000000, 301, 0x7fffffff]) {
    const bad = Buffer.alloc(4);
    bad.writeInt32BE(size);
    const splitter = new FrameSplitter({ frameBytesMax: 300 });
    const frames: Buffer[] = [];
    expect(() => splitter.push(Buffer.concat([stream, bad]), (one) => frames.push(one))).toThrow(FrameSizeError);
    expect(frames).toEqual(bodies);
  }
});

test('an announced frame holds no more memory than twice what has arrived, beyond the first megabyte', () => {
  const splitter = new FrameSplitter({ frameBytesMax: 0x7fffffff });
  const prefix = Buffer.from('7fffffff', 'hex');
  splitter.push(Buffer.concat([prefix, Buffer.alloc(10)]), () => expect.unreachable());
  expect(splitter.pendingBytes).toBe(14);
});
