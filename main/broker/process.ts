// Entry of a broker process: reads the file its supervisor names, builds the real Runtime, starts the broker, and
// ends with the channel. Everything of substance is in broker.ts.

import { readFileSync } from 'node:fs';
import { faultyRuntime } from '../runtime/faulty/faulty-runtime.ts';
import { block } from '../runtime/node/block.ts';
import { nodeRuntime } from '../runtime/node/node-runtime.ts';
import { startBroker, type RunningBroker } from './broker.ts';
import { isFromBroker } from './connection-origin.ts';
import type { BrokerCommand, BrokerProcessConfig, BrokerReport, ControlChannel } from './contract.ts';
import { StartupError } from './startup-error.ts';

const configFile = process.argv[2];
if (configFile === undefined || process.send === undefined) {
  console.error('A broker process is started by highwater itself: highwater up');
  process.exit(2);
}

const channel: ControlChannel = {
  send(report: BrokerReport): void {
    if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
  },
  onCommand(receive) {
    process.on('message', (message) => receive(message as BrokerCommand));
  },
};

// The supervisor is gone: a broker without one would be an orphan that holds ports and locks. What is acknowledged is in the log.
process.on('disconnect', () => process.exit(0));
// Ctrl-C in a terminal is the supervisor's business.
process.on('SIGINT', () => undefined);

function log(text: string): void {
  console.log(`${new Date().toISOString()} ${text}`);
}

function fail(error: unknown): never {
  const { message, advice } =
    error instanceof StartupError
      ? error
      : {
          message: error instanceof Error ? error.message : String(error),
          advice: 'this is a defect in highwater: its log file holds the trace',
        };
  log(`failed: ${message}\n${error instanceof Error ? (error.stack ?? '') : ''}`);
  channel.send({ type: 'failed', message, advice });
  process.exit(1);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

const config = JSON.parse(readFileSync(configFile, 'utf8')) as BrokerProcessConfig;
const { runtime, apply, losePower } = faultyRuntime(nodeRuntime(), {
  neighbours: config.neighbours ?? [],
  isFromBroker,
  block,
});
if (config.faults !== undefined) apply(config.faults);
let running: RunningBroker | null = null;
let asked = false;

async function shutdown(): Promise<void> {
  if (asked) return;
  asked = true;
  await running?.shutdown();
  process.exit(0);
}

/** As a machine without power: the files hold what was synced, and nothing of this process runs after it. */
function loseAll(torn: boolean): never {
  try {
    const lost = losePower({ torn });
    log(`power lost: ${lost.lostBytes} bytes in ${lost.lostFiles} files were not synced`);
    channel.send({ type: 'powerLost', ...lost });
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
  throw new Error('unreachable');
}

channel.onCommand((command) => {
  if (command.type === 'shutdown') shutdown().catch(fail);
  if (command.type === 'no-quorum') running?.quorumGone();
  if (command.type === 'faults') {
    apply(command.faults);
    channel.send({ type: 'faultsApplied', number: command.number });
  }
  if (command.type === 'power-loss') loseAll(command.torn);
});
process.on('SIGTERM', () => {
  shutdown().catch(fail);
});

try {
  running = await startBroker(config, runtime, channel, log);
} catch (error) {
  fail(error);
}
