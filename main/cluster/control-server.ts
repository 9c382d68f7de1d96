// How `highwater broker …` and `highwater status` reach a running supervisor: one JSON line asked, one answered, over
// loopback, with a token that only the owner of the data directory can read.

import { timingSafeEqual } from 'node:crypto';
import type { Fault } from '../core/faults.ts';
import type { Clock, Connection, Listener, Network } from '../runtime/runtime.ts';
import { ClusterError } from './cluster-error.ts';

export type ControlRequest =
  | { readonly verb: 'start' | 'stop' | 'kill' | 'pause' | 'resume'; readonly brokerId: number }
  | { readonly verb: 'view' }
  | { readonly verb: 'fault.add'; readonly fault: Fault }
  | { readonly verb: 'fault.clear'; readonly faultId: string }
  | { readonly verb: 'fault.clearAll' }
  | { readonly verb: 'powerLoss'; readonly brokerId: number; readonly torn: boolean }
  | { readonly verb: 'shutdown' };

type Envelope = { readonly token: string; readonly request: ControlRequest };
type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly advice: string | null };

/** What a stranger may send, and how long take over it: anything on this machine can connect. */
const lineBytesMax = 64 * 1024;
const lineTimeoutMs = 5000;

/** Serves control requests; `serve` throws ClusterError for refusals. */
export async function serveControl(
  { network, clock }: { readonly network: Network; readonly clock: Clock },
  token: string,
  serve: (request: ControlRequest) => Promise<unknown>,
): Promise<Listener> {
  return network.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    const patience = clock.at(clock.monotonicMs() + lineTimeoutMs, () => connection.destroy());
    readLine(connection, lineBytesMax, {
      onLine(line) {
        patience.cancel();
        void answerLine(line, token, serve).then((answer) => {
          connection.write([Buffer.from(`${JSON.stringify(answer)}\n`)]);
          connection.end();
        });
      },
      onFailure: () => patience.cancel(),
    });
  });
}

async function answerLine(
  line: string,
  token: string,
  serve: (request: ControlRequest) => Promise<unknown>,
): Promise<Answer> {
  try {
    const envelope = JSON.parse(line) as Partial<Envelope> | null;
    if (!isToken(envelope?.token, token) || envelope?.request === undefined)
      throw new ClusterError('REFUSED', 'wrong control token');
    return { ok: true, value: (await serve(envelope.request)) ?? null };
  } catch (error) {
    if (error instanceof ClusterError)
      return { ok: false, code: error.code, message: error.message, advice: error.advice };
    return { ok: false, code: 'FAILED', message: error instanceof Error ? error.message : String(error), advice: null };
  }
}

/** Takes as long for a near miss as for a far one. */
function isToken(given: unknown, token: string): boolean {
  if (typeof given !== 'string') return false;
  const [bytes, expected] = [Buffer.from(given), Buffer.from(token)];
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** Asks a running supervisor; throws ClusterError with its refusal. */
export async function askControl(
  network: Network,
  port: number,
  token: string,
  request: ControlRequest,
): Promise<unknown> {
  const connection = await network.connect({ host: '127.0.0.1', port, timeoutMs: 2000 });
  const line = await new Promise<string>((resolve, reject) => {
    // An answer may be as long as it is.
    readLine(connection, Number.POSITIVE_INFINITY, { onLine: resolve, onFailure: reject });
    connection.write([Buffer.from(`${JSON.stringify({ token, request } satisfies Envelope)}\n`)]);
  });
  connection.destroy();
  const answer = JSON.parse(line) as Answer;
  if (answer.ok) return answer.value;
  throw new ClusterError(answer.code, answer.message, answer.advice);
}

function readLine(
  connection: Connection,
  bytesMax: number,
  { onLine, onFailure }: { onLine(line: string): void; onFailure(error: Error): void },
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let done = false;
  connection.handle({
    onData(chunk) {
      if (done) return;
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (chunk.includes(10)) {
        done = true;
        onLine(Buffer.concat(chunks).toString('utf8').split('\n', 1)[0] ?? '');
      } else if (size > bytesMax) connection.destroy();
    },
    onClose(reason) {
      if (!done) onFailure(reason ?? new Error('the supervisor closed the connection'));
    },
    onDrain() {},
  });
}
