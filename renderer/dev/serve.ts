// Command line of the fixture server: bundle with esbuild and run on Node, see ../README.md.

import { startFixtureServer } from './fixture-server.ts';
import type { Scenario } from './fixture-world.ts';

const [scenario = 'healthy', port = '5180'] = process.argv.slice(2);
const server = await startFixtureServer(scenario as Scenario, { staticDir: 'dist/renderer', port: Number(port) });
console.log(server.url);
