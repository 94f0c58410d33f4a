import { defineConfig, type Plugin } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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

/**
 * Tests that leave nothing behind share processes: to start one and to load everything takes longer than most of
 * them. Not so what measures memory or time, ends a process, or listens to all of Node's or to all facts.
 */
const aloneInIntegration = ['compression*', 'crash', 'facts', 'forged-events', 'idle', 'messages', 'regressions']
  .concat(['shutdown', 'slow-consumer', 'stalled-reader', '*supervision*', '*shared*', '*recorder*'])
  .join('|');
const shared = [
  'test/{backplane,bench,contracts,service}/*.test.ts',
  'test/http/!(attach).test.ts',
  'test/inspector/!(bounds|hostile|hub).test.ts',
  'test/inspector/page/{bridge,chart,gaps,link,pages,past,ring,route,viewer,watched,words,zoom}.test.ts',
  'test/runtime/cluster/*.test.ts',
  'test/runtime/{address-counts,drain,functions,groups,message-rate,named-connections,page,turns,vigil}.test.ts',
  `test/integration/!(${aloneInIntegration}).test.ts`,
];

/** Those that share come last and together: a process goes on only while the next file is one of them. */
class SharingLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's, not an array's
    const sorted = await super.sort(files);
    const doesShare = ({ project }: TestSpecification): boolean => !project.config.isolate;
    return [...sorted.filter((file) => !doesShare(file)), ...sorted.filter(doesShare)];
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  plugins: [asPlainNode],
  // Node runs no decorators: esbuild lowers them for this target. Vite 8 does not, hence vite 7.
  esbuild: { target: 'es2022' },
  test: {
    environment: 'node',
    // A process per file, but for those that share: signals, ports and garbage collection are part of what is tested.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: SharingLast },
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: shared },
      },
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
    ],
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
