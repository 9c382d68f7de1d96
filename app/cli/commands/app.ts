// `highwater app`: a cluster with the UI in a browser and a demo workload, so that there is something to see.

import { spawn } from 'node:child_process';
import { serveUi } from '../../browser/server.ts';
import { endSignal } from '../end-signal.ts';
import { clusterOptions, integer, parse, rendererDir } from '../options.ts';
import { prepareClusters, readyText } from './up.ts';

const demoMessagesPerSecond = 200;

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args, {
    ...clusterOptions,
    'no-open': { type: 'boolean' },
    'no-demo': { type: 'boolean' },
    'cluster-port': { type: 'string' },
  });
  const end = endSignal();
  // Here --port is the UI's; the brokers' is --cluster-port.
  const { port: _uiPort, ...values } = parsed.values;
  const given = { ...parsed, values: { ...values, port: parsed.values['cluster-port'] } };
  const { engine, workspaces } = await prepareClusters(given);
  workspaces.onShutdownAsked(() => end.now());
  const ui = await serveUi(workspaces, { port: integer(parsed, 'port') ?? 0, rendererDir });
  try {
    const started = workspaces.startHome();
    workspaces.setUiUrl(ui.url);
    if (parsed.values['no-open'] !== true) openInBrowser(ui.url);
    console.log(`Highwater is at ${ui.url}`);
    const ready = await Promise.race([started, end.whenAsked.then(() => null)]);
    if (ready !== null) {
      console.log(readyText(engine, ready.readyMs, ui.url));
      if (parsed.values['no-demo'] !== true) {
        await engine
          .startWorkload(demoMessagesPerSecond)
          .catch((error: unknown) => console.error('demo workload:', error));
      }
      await end.whenAsked;
    }
    console.log('Shutting down…');
    return 0;
  } finally {
    await ui.close();
    await workspaces.close();
    end.release();
  }
}

/** Best effort: the URL is printed as well. */
function openInBrowser(url: string): void {
  const [command, args] =
    process.platform === 'darwin'
      ? ['open', [url]]
      : process.platform === 'win32'
        ? ['cmd', ['/c', 'start', '', url.replaceAll('&', '^&')]]
        : ['xdg-open', [url]];
  const child = spawn(command as string, args as string[], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
