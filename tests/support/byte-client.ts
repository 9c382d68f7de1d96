// A bare TCP client for the tests of main/net: sends any bytes, and waits for bytes or for the end.

import { connect, type Socket } from 'node:net';
import { FrameSplitter } from '../../main/protocol/framing.ts';

export type ByteClient = {
  readonly socket: Socket;
  send(bytes: Buffer): void;
  /** Whole frames without length, in order of arrival, once there are so many. */
  frames(count: number): Promise<Buffer[]>;
  /** Everything received until the server closed. */
  untilClosed(): Promise<Buffer>;
};

export function byteClient(port: number): Promise<ByteClient> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const frames: Buffer[] = [];
    const splitter = new FrameSplitter({ frameBytesMax: 0x7fffffff });
    let isClosed = false;
    const watchers = new Set<() => void>();
    const changed = (): void => watchers.forEach((watch) => watch());
    const when = <T>(look: () => T | null): Promise<T> =>
      new Promise((found) => {
        const watch = (): void => {
          const value = look();
          if (value === null) return;
          watchers.delete(watch);
          found(value);
        };
        watchers.add(watch);
        watch();
      });
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('data', (chunk) => {
      received.push(chunk);
      splitter.push(chunk, (frame) => frames.push(frame));
      changed();
    });
    // A reset is one of the ways to be closed.
    socket.on('error', (error) => reject(error));
    socket.on('close', () => {
      isClosed = true;
      changed();
    });
    socket.once('connect', () =>
      resolve({
        socket,
        send: (bytes) => void socket.write(bytes),
        frames: (count) => when(() => (frames.length >= count ? frames : null)),
        untilClosed: () => when(() => (isClosed ? Buffer.concat(received) : null)),
      }),
    );
  });
}
