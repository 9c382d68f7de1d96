// What the command line asks of the app's cluster: the same options as `highwater app`. Chromium's own switches stand
// on the same line, so that unknown ones are no error.

import { parseArgs } from 'node:util';
import { clusterOptions, configs, integer, profile, text, type Parsed } from '../cli/options.ts';
import type { EngineOptions } from '../../main/engine.ts';

export type StartOptions = { readonly engine: Omit<EngineOptions, 'brokerScript'>; readonly demo: boolean };

export function startOptions(args: readonly string[], defaultDataDir: string): StartOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...clusterOptions, 'no-demo': { type: 'boolean' }, 'cluster-port': { type: 'string' } },
    allowPositionals: true,
    strict: false,
  });
  const parsed: Parsed = { values: { ...values } as Parsed['values'], positionals };
  const brokers = integer(parsed, 'brokers');
  const port = integer(parsed, 'cluster-port');
  const profileName = profile(parsed);
  return {
    engine: {
      dataDir: text(parsed, 'data') ?? defaultDataDir,
      ...(brokers === undefined ? {} : { brokers }),
      ...(port === undefined ? {} : { port }),
      ...(profileName === undefined ? {} : { profile: profileName }),
      configs: configs(parsed),
      ephemeral: values['ephemeral'] === true,
    },
    demo: values['no-demo'] !== true,
  };
}
