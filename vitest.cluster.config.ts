import { defineConfig } from 'vitest/config';

const conditions = ['troupe-source'];

/** What waits for leases and watchdogs in real time, minutes in all: `npm run test:cluster`. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  esbuild: { target: 'es2022' },
  test: {
    environment: 'node',
    pool: 'forks',
    include: ['test/cluster/**/*.faults.ts'],
    // What is measured is measured one after another.
    fileParallelism: false,
    // What was measured is shown.
    env: { CLUSTER_PRINT: 'yes' },
    testTimeout: 120_000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
  },
});
