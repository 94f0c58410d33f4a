import { defineConfig, type Plugin } from 'vitest/config';

/** Plain Node takes no development builds, so tests take none: XState's two builds differ. */
const asPlainNode: Plugin = {
  name: 'as-plain-node',
  configResolved(config) {
    for (const { resolve } of [config, config.ssr, ...Object.values(config.environments)]) {
      const at = resolve?.conditions?.indexOf('development|production') ?? -1;
      if (at >= 0) resolve?.conditions?.splice(at, 1);
    }
  },
};

// Tests and examples import the package by its name: the condition leads to src, so nothing is built first.
const conditions = ['troupe-source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  plugins: [asPlainNode],
  // Node runs no decorators: esbuild lowers them for this target. Vite 8 does not, hence vite 7.
  esbuild: { target: 'es2022' },
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    // A process per file: signals, ports and garbage collection are part of what is tested.
    pool: 'forks',
    maxWorkers: 2,
    // .ci/run reads the counts.
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    outputFile: { json: 'coverage/tests.json' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'machines/**/*.ts'],
      // The folder also holds the counts of a run.
      clean: false,
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
