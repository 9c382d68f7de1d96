#!/usr/bin/env node
// The `highwater` command: finds the subcommand, prints refusals for people, sets exit codes. Commands are loaded
// when called, so that `highwater up` does not pay for the others.

import { isRefusal, UsageError, usage } from './usage.ts';

type Command = (args: string[]) => Promise<number>;

const commands: Readonly<Record<string, () => Promise<{ run: Command }>>> = {
  up: () => import('./commands/up.ts'),
  app: () => import('./commands/app.ts'),
  broker: () => import('./commands/broker.ts'),
  fault: () => import('./commands/fault.ts'),
  status: () => import('./commands/status.ts'),
  drill: () => import('./commands/drill.ts'),
};

async function main(argv: string[]): Promise<number> {
  const [name, ...args] = argv;
  const isHelp = name === 'help' || argv.includes('--help') || argv.includes('-h');
  if (name === undefined || isHelp) {
    console.log(usage);
    return isHelp ? 0 : 2;
  }
  if (name === '--version' || name === 'version') {
    console.log(__HIGHWATER_VERSION__);
    return 0;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) throw new UsageError(`there is no command "${name}"`);
  return (await load()).run(args);
}

declare const __HIGHWATER_VERSION__: string;

try {
  // At once: a client library may still hold sockets and timers of a cluster that is gone.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`highwater: ${error.message}\n\n${usage}`);
    process.exitCode = 2;
  } else if (isRefusal(error)) {
    console.error(`highwater: ${error.message}${error.advice === null ? '' : `\n  ${error.advice}`}`);
    process.exitCode = 1;
  } else {
    console.error(error);
    process.exitCode = 1;
  }
}
