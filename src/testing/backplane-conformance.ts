/** Holds a backplane to each MUST of its contract, `src/backplane/contract.ts`, with any test runner. */
import type { ConformanceOptions, ConformanceTest } from './conformance-case.ts';
import { groupCases } from './conformance-groups.ts';
import { lifeCases } from './conformance-life.ts';
import { nameCases } from './conformance-names.ts';
import { Stage, within } from './conformance-node.ts';
import { outageCases } from './conformance-outages.ts';
import { pushCases } from './conformance-pushes.ts';
import { raceCases } from './conformance-races.ts';
import { topicCases } from './conformance-topics.ts';

export type { ConformanceOptions, ConformanceTest, EngineOfItsOwn, HangingEngine } from './conformance-case.ts';

const cases = [...topicCases, ...nameCases, ...raceCases, ...pushCases, ...groupCases, ...lifeCases, ...outageCases];

const why = {
  own: 'it stops the engine: give own()',
  hanging: 'it makes the engine hang: give hanging()',
  lapse: 'it needs a lease that has lapsed: give lapse()',
} as const;

/** How long a case may take to say goodbye. */
const GOODBYE_MS = 1_000;

/**
 * The tests that a backplane must pass, for you to hand to a test runner, one by one.
 *
 * Each has nodes, names and topics of its own and takes them away at its end, so that all may run at the same time on one
 * engine. They do not show what only many nodes, many hours or a broken network would show.
 *
 * @example
 * ```ts
 * import { test } from 'node:test';
 * import { memoryEngine } from 'troupe/backplane';
 * import { backplaneConformance } from 'troupe/testing';
 *
 * const engine = memoryEngine();
 * const tests = backplaneConformance({
 *   make: () => engine.backplane(),
 *   lapse: (nodeId) => engine.lapse(nodeId),
 * });
 * for (const { name, skip, run } of tests) test(name, { skip: skip ?? false }, run);
 * ```
 */
export function backplaneConformance(options: ConformanceOptions): readonly ConformanceTest[] {
  const { limitMs = 15_000 } = options;
  return cases.map(({ name, needs, run }) => ({
    name,
    ...(needs !== undefined && options[needs] === undefined && { skip: why[needs] }),
    async run() {
      const stage = new Stage(() => options.make());
      try {
        await within(limitMs, name, run(stage, options));
      } finally {
        await stage.end(GOODBYE_MS);
      }
    },
  }));
}
