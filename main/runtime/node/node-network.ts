// TCP on the real machine.

import type { OnReadOpts, Server } from 'node:net';
import { createServer, Socket } from 'node:net';
import type { Connection, ConnectOptions, Listener, Network } from '../runtime.ts';
import { NetworkError } from '../runtime.ts';
import { systemCode } from './disk-errors.ts';
import { NodeConnection, writeBufferBytesMax } from './node-connection.ts';

/** 256 KiB costs a fifth less CPU than 64 KiB; one such buffer serves all sockets. */
const sharedBufferBytes = 256 * 1024;
const ownBufferBytes = 64 * 1024;
const backlogMax = 511;

/** Gives each socket the buffer into which the operating system reads. */
type BufferSource = () => Buffer;

function bufferSource(): BufferSource {
  // Windows hands a buffer to the kernel before there are bytes, so that sockets can't share one. Elsewhere the read
  // and its callback are one step.
  if (process.platform === 'win32') return () => Buffer.allocUnsafeSlow(ownBufferBytes);
  const shared = Buffer.allocUnsafeSlow(sharedBufferBytes);
  return () => shared;
}

/** `onread` needs its receiver before the socket exists, and a NodeConnection its socket: joined here. */
function receiving(buffers: BufferSource): { onread: OnReadOpts; deliverTo(connection: NodeConnection): void } {
  let target: NodeConnection | null = null;
  return {
    onread: {
      buffer: buffers(),
      callback: (count, buffer) => {
        target?.receive(Buffer.from(buffer.buffer, buffer.byteOffset, count));
        return true;
      },
    },
    deliverTo: (connection) => {
      target = connection;
    },
  };
}

export type NodeNetworkOptions = {
  /** `stream`: accepted sockets read as Node's streams do, which costs more and needs no private handle. */
  readonly receive?: 'reused-buffer' | 'stream';
};

export function nodeNetwork(options: NodeNetworkOptions = {}): Network {
  const buffers = bufferSource();
  const accept = options.receive === 'stream' ? fromStream : adopt;
  return {
    listen: (where, onConnection) => listen(where, (socket) => onConnection(accept(socket, buffers))),
    connect: (options) => connect(options, buffers),
  };
}

function listen(options: { host: string; port: number }, onSocket: (socket: Socket) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, onSocket);
    server.once('error', (error) => reject(listenError(error, options)));
    server.listen({ host: options.host, port: options.port, backlog: backlogMax, exclusive: true }, () => {
      // From here on an error concerns one accept (out of descriptors): that client fails, the listener stays.
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : options.port;
      resolve({ port, close: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  // Closes the door at once; the promise of `server.close` waits for the open connections too, which have owners.
  return new Promise((resolve) => {
    if (server.listening) server.close();
    setImmediate(resolve);
  });
}

function listenError(error: Error, { host, port }: { host: string; port: number }): NetworkError {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    return new NetworkError('address-in-use', `${host}:${port} is in use by another program`, error);
  }
  if (code === 'EACCES') return new NetworkError('denied', `${host}:${port}: not permitted to listen there`, error);
  return new NetworkError('unreachable', `${host}:${port}: can't listen there: ${error.message}`, error);
}

/**
 * Node has no `onread` for accepted sockets. The accepted socket, which has not read yet, gives its handle to one
 * that was made with `onread`, and ends without it. Where the handle can't be had the socket itself is used.
 */
function adopt(accepted: Socket, buffers: BufferSource): Connection {
  const holder = accepted as unknown as { _handle: object | null };
  const handle = holder._handle;
  if (handle === null || handle === undefined) return fromStream(accepted);
  holder._handle = null;
  accepted.destroy();
  const { onread, deliverTo } = receiving(buffers);
  const socket = new Socket({ handle, onread, writableHighWaterMark: writeBufferBytesMax } as ConstructorParameters<
    typeof Socket
  >[0]);
  const connection = new NodeConnection(socket);
  deliverTo(connection);
  socket.resume();
  return connection;
}

function fromStream(accepted: Socket): Connection {
  const connection = new NodeConnection(accepted);
  accepted.on('data', (chunk: Buffer) => connection.receive(chunk));
  accepted.resume();
  return connection;
}

function connect(options: ConnectOptions, buffers: BufferSource): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const { onread, deliverTo } = receiving(buffers);
    const where = `${options.host}:${options.port}`;
    const socket = new Socket({ onread, writableHighWaterMark: writeBufferBytesMax } as ConstructorParameters<
      typeof Socket
    >[0]);
    const fail = (error: NetworkError): void => {
      clearTimeout(timeout);
      socket.destroy();
      reject(error);
    };
    const timeout = setTimeout(
      () => fail(new NetworkError('timeout', `${where} did not answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    const onError = (error: Error): void => fail(connectError(error, where));
    socket.on('error', onError);
    socket.once('connect', () => {
      clearTimeout(timeout);
      socket.removeListener('error', onError);
      const connection = new NodeConnection(socket);
      deliverTo(connection);
      resolve(connection);
    });
    socket.connect({ host: options.host, port: options.port });
  });
}

function connectError(error: Error, where: string): NetworkError {
  const code = systemCode(error);
  if (code === 'ECONNREFUSED') {
    return new NetworkError('refused', `${where} refused the connection: nothing listens there`, error);
  }
  if (code === 'ETIMEDOUT') return new NetworkError('timeout', `${where} did not answer`, error);
  return new NetworkError('unreachable', `${where} can't be reached: ${error.message}`, error);
}
