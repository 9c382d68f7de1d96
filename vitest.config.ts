// Unit, data-driven, simulation and process tests. Browser tests live in playwright.config.ts.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Code of a simulated node that has ended meets its end wherever it goes on (main/runtime/simulated/node-life.ts).
    onUnhandledError: (error) => error.name !== 'NodeStopped',
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'main/**/*.test.ts',
            'app/**/*.test.ts',
            'build/**/*.test.ts',
            'tests/conformance/**/*.test.ts',
            'tests/fuzz/**/*.test.ts',
            'tests/scenarios/**/*.test.ts',
            'tests/simulation/**/*.test.ts',
          ],
          testTimeout: 60_000,
          isolate: false,
        },
      },
      {
        extends: './renderer/vite.config.ts',
        test: { name: 'renderer', include: ['renderer/**/*.test.ts'], environment: 'node' },
      },
      {
        test: {
          name: 'processes',
          include: ['tests/processes/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
