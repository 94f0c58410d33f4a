/** Does anything become dearer because there are many connections? */
import type { Budget, Figure, RunOptions, Sample, ServerName, Workload } from '../contract.ts';
import type { CrowdName } from '../crowd/crowd.ts';
import { Population } from '../crowd/population.ts';
import { socketConnect } from '../crowd/sockets.ts';
import { startCrowd } from '../crowd/start.ts';
import { measureGrowth, operations, type Grown, type GrowthRun, type Operation } from '../growth/measure.ts';
import { openFilesLimit } from '../machine.ts';

const REAL_SIZES = [1_000, 4_000, 18_000];
const MEMORY_SIZES = [1_000, 10_000, 100_000];
/** Without the kernel a batch is short, so there are more of them. */
const REAL_BATCHES = 7;
const MEMORY_BATCHES = 15;
/** Beside the connections of a size: those that are opened and closed meanwhile, and what a process has open anyway. */
const SPARE_FILES = 1_500;

/** Bare ws pays for a larger heap and a larger kernel as well; two repeats of the same differ by so much. */
const FLAT: Budget = { kind: 'ratio', atMost: 1.15 };
const budgets = { 'troupe-handlers': FLAT, 'troupe-machine': FLAT };
const worst = 'the worst of message, push to a name, push to a group of ten, accept, close: µs there / µs at 1000';

/** Each operation by itself, as one that has become dearer is not made good by another that has not. */
function figuresOf(name: string, prefix: string, title: string): readonly Figure[] {
  return operations.map((operation) => ({
    name: `${name}-${operation}`,
    title: `${operation}, ${title}`,
    unit: 'µs there / µs at 1000 connections',
    of: `${prefix}growth:${operation}`,
    budgets,
  }));
}

export const growth: Workload = {
  name: 'growth',
  title: `growth from 1000 to ${REAL_SIZES.at(-1)} connections`,
  unit: worst,
  method:
    'A figure is the mean of 7 batches in a row, or of 15 in memory: of 1 000 connections opened and ' +
    'closed, 10 000 echoes on 20 connections, 10 000 pushes to 20 names, 5 000 to 20 groups. `coldPush` goes to all ' +
    'names in turn, of which the processor has none at hand when there are many; it has no budget. Every message is compared.',
  servers: ['ws', 'troupe-handlers', 'troupe-machine'],
  budgets: {},
  figures: [
    ...figuresOf('growth', '', `from 1000 to ${REAL_SIZES.at(-1)} connections`),
    ...figuresOf('growth-in-memory', 'memory:', `from 1000 to ${MEMORY_SIZES.at(-1)} connections without the kernel`),
  ],
  when: 'not in quick',

  async measure(server: ServerName, options: RunOptions): Promise<Sample> {
    const real = await growReal(server as CrowdName, options);
    const memory = await growMemory(server as CrowdName, options);
    return {
      value: worstGrowth(real.grown),
      extra: {
        'memory:growth': worstGrowth(memory.grown),
        ...growthOf('', real.grown),
        ...growthOf('memory:', memory.grown),
        ...extrasOf('', real.grown),
        ...extrasOf('memory:', memory.grown),
      },
      checked: real.checked + memory.checked,
    };
  },
};

async function growReal(server: CrowdName, { scale, onProgress }: RunOptions): Promise<GrowthRun> {
  const child = startCrowd(server);
  try {
    const population = new Population(socketConnect(await child.ask('listen')));
    const grown = await measureGrowth(
      {
        open: (from, to) => population.open(from, to),
        close: (from, to) => population.close(from, to),
        echo: (speakers, messages) => population.echo(speakers, messages),
        expect: async (order) => population.expect(order),
        push: (order) => child.ask('push', order),
        settled: () => population.settled(),
        tidy: () => child.ask('tidy'),
        begin: () => child.ask('begin'),
        end: () => child.ask('end'),
      },
      { sizes: withinFiles(sizesFor(REAL_SIZES, scale)), scale, batches: REAL_BATCHES },
      (size) => onProgress(`growth: ${server} at ${size} connections`),
    );
    return { grown, checked: population.checked };
  } finally {
    await child.stop();
  }
}

async function growMemory(server: CrowdName, { scale, onProgress }: RunOptions): Promise<GrowthRun> {
  onProgress(`growth: ${server} in memory`);
  const child = startCrowd(server);
  try {
    return await child.ask('growInMemory', { sizes: sizesFor(MEMORY_SIZES, scale), scale, batches: MEMORY_BATCHES });
  } finally {
    await child.stop();
  }
}

/** A short run does not fill the machine. */
function sizesFor(sizes: readonly number[], scale: number): readonly number[] {
  return scale < 0.5 ? sizes.slice(0, 2) : sizes;
}

/** As many as one process may have open. @throws {Error} when that is less than the smallest size */
function withinFiles(sizes: readonly number[]): readonly number[] {
  const most = openFilesLimit() - SPARE_FILES;
  const smallest = sizes[0]!;
  if (most < smallest) throw new Error(`growth needs ${smallest + SPARE_FILES} open files (ulimit -Hn)`);
  return [...new Set(sizes.map((size) => Math.min(size, most)))];
}

/** `messageUs@18000` and so on. */
function extrasOf(prefix: string, grown: Grown): Record<string, number> {
  const named = grown.flatMap(([size, figures]) =>
    Object.entries(figures).map(([figure, costUs]): [string, number] => [`${prefix}${figure}Us@${size}`, costUs]),
  );
  return Object.fromEntries(named);
}

/** The cost at the largest size / at the smallest. */
function growthIn(grown: Grown, operation: Operation): number {
  return grown.at(-1)![1][operation] / grown[0]![1][operation];
}

function growthOf(prefix: string, grown: Grown): Record<string, number> {
  return Object.fromEntries(
    operations.map((operation) => [`${prefix}growth:${operation}`, growthIn(grown, operation)]),
  );
}

function worstGrowth(grown: Grown): number {
  return Math.max(...operations.map((operation) => growthIn(grown, operation)));
}
