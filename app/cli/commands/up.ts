// `highwater up`: a cluster in the foreground. With --json exactly one line on stdout, when it is ready.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveUi, type UiServer } from '../../browser/server.ts';
import { prepareApp } from '../../../main/app.ts';
import { securedProtocol } from '../../../main/cluster/secured-access.ts';
import { securedBootstrapOf } from '../../../main/cluster/topology.ts';
import type { Engine, EngineOptions } from '../../../main/engine.ts';
import type { Workspaces } from '../../../main/workspaces/workspaces.ts';
import {
  brokerScript,
  clusterOptions,
  configs,
  dataDir,
  integer,
  parse,
  profile,
  rendererDir,
  securedAccess,
  workspacesDir,
  type Parsed,
} from '../options.ts';
import { endSignal } from '../end-signal.ts';
import { metricsUrl } from '../output/metrics-url.ts';

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args, { ...clusterOptions, ui: { type: 'boolean' }, json: { type: 'boolean' } });
  const asJson = parsed.values['json'] === true;
  const end = endSignal();
  const { engine, workspaces } = await prepareClusters(parsed);
  workspaces.onShutdownAsked(() => end.now());
  let ui: UiServer | null = null;
  try {
    const { readyMs } = await Promise.race([workspaces.startHome(), end.whenAsked.then(() => ({ readyMs: -1 }))]);
    if (readyMs >= 0) {
      if (parsed.values['ui'] === true) {
        ui = await serveUi(workspaces, { port: 0, rendererDir });
        workspaces.setUiUrl(ui.url);
      }
      console.log(asJson ? readyLine(engine, readyMs, ui?.url ?? null) : readyText(engine, readyMs, ui?.url ?? null));
      await end.whenAsked;
    }
    if (!asJson) console.log('Shutting down…');
    return 0;
  } finally {
    await ui?.close();
    await workspaces.close();
    end.release();
  }
}

/** The cluster that the command line asks for, and the workspaces beside it. */
export function prepareClusters(parsed: Parsed): Promise<{ workspaces: Workspaces; engine: Engine }> {
  const engine = engineOptions(parsed);
  const isRootEphemeral = engine.ephemeral === true;
  const root = isRootEphemeral ? mkdtempSync(join(tmpdir(), 'highwater-workspaces-')) : workspacesDir();
  return prepareApp({ engine, root, isRootEphemeral });
}

function engineOptions(parsed: Parsed): EngineOptions {
  const ephemeral = parsed.values['ephemeral'] === true;
  const brokers = integer(parsed, 'brokers');
  const port = integer(parsed, 'port');
  const logDirs = integer(parsed, 'log-dirs');
  const profileName = profile(parsed);
  const secured = securedAccess(parsed);
  return {
    dataDir:
      ephemeral && parsed.values['data'] === undefined ? mkdtempSync(join(tmpdir(), 'highwater-')) : dataDir(parsed),
    ...(brokers === undefined ? {} : { brokers }),
    ...(port === undefined ? {} : { port }),
    ...(logDirs === undefined ? {} : { logDirs }),
    ...(profileName === undefined ? {} : { profile: profileName }),
    ...(secured === undefined ? {} : { secured }),
    configs: configs(parsed),
    ephemeral,
    brokerScript,
  };
}

/** The line that other programs depend on. */
function readyLine(engine: Engine, readyMs: number, uiUrl: string | null): string {
  const view = engine.view();
  return JSON.stringify({
    clusterId: view.clusterId,
    bootstrap: view.bootstrap,
    securedBootstrap: securedBootstrapOf(engine.supervisor.topology),
    dataDir: view.dataDir,
    uiUrl,
    readyMs,
    brokers: view.brokers.map(({ id, pid, host, port, controllerPort, metricsPort, logDir }) => ({
      id,
      pid,
      host,
      port,
      controllerPort,
      metricsUrl: metricsUrl(metricsPort),
      logDir,
    })),
  });
}

function securedLines({ supervisor: { topology } }: Engine): string[] {
  const addresses = securedBootstrapOf(topology);
  if (addresses === null || topology.secured === undefined) return [];
  const users = Object.keys(topology.secured.users);
  const who = users.length === 0 ? '' : ` (${users.join(', ')})`;
  return [`  secured    ${addresses}`, `             ${securedProtocol}${who}`];
}

export function readyText(engine: Engine, readyMs: number, uiUrl: string | null): string {
  const view = engine.view();
  const count = view.brokers.length;
  return [
    `Highwater is ready: ${count} broker${count === 1 ? '' : 's'} in ${(readyMs / 1000).toFixed(2)} s`,
    `  bootstrap  ${view.bootstrap}`,
    ...securedLines(engine),
    `  data       ${view.dataDir}${view.ephemeral ? ' (removed at the end)' : ''}`,
    `  metrics    ${view.brokers.map((broker) => metricsUrl(broker.metricsPort) ?? `none of broker ${broker.id}`).join(' ')}`,
    `  profile    ${view.profile}${view.profile === 'laptop' ? ' (short time-outs; --profile kafka for Kafka’s own)' : ''}`,
    ...(count < 3
      ? [`  note       with ${count} broker${count === 1 ? '' : 's'}, internal topics have replication factor ${count}`]
      : []),
    ...(uiUrl === null ? [] : [`  UI         ${uiUrl}`]),
    'Ctrl-C shuts it down in order.',
  ].join('\n');
}
