/** Measures what one operation costs at several sizes of a crowd, whatever carries its bytes. */
import type { PushOrder } from '../crowd/pushes.ts';
import { GROUP_SIZE, spread } from '../crowd/texts.ts';
import { mean } from '../figures.ts';

/** A server and its clients. */
export interface Subject {
  open(from: number, to: number): Promise<void>;
  close(from: number, to: number): Promise<void>;
  echo(speakers: readonly number[], messages: number): Promise<void>;
  expect(order: PushOrder): Promise<void>;
  push(order: PushOrder): Promise<void>;
  /** All that was expected has come; throws when it was not what was expected. */
  settled(): Promise<void>;
  /** Collects garbage: what growing left behind is not to be counted with what comes then. */
  tidy(): Promise<void>;
  begin(): Promise<void>;
  /** The server's CPU time since `begin`, in µs. */
  end(): Promise<number>;
}

/** The operations that are to be flat, in an order in which `close` closes what `accept` has opened. */
export const operations = ['accept', 'close', 'message', 'push', 'groupPush'] as const;
/** `coldPush` goes to every name in turn: beyond a few thousand nothing of a connection is in the processor's cache. */
const figureNames = [...operations, 'coldPush'] as const;
export type Operation = (typeof operations)[number];
type Figure = (typeof figureNames)[number];
export type Figures = Readonly<Record<Figure, number>>;

/** A message, a push and a group push go to the same number of connections at each size. */
const TARGETS = 20;

/** How much is measured at which sizes. */
export interface GrowthPlan {
  readonly sizes: readonly number[];
  /** How much of the full count is done in a batch. */
  readonly scale: number;
  /**
   * A figure is the mean over so many batches: whether a collection of garbage falls into a batch is chance, and a
   * median either has all of its cost or nothing of it.
   */
  readonly batches: number;
}

export type Grown = readonly (readonly [size: number, figures: Figures])[];

/** What a run comes to, and how many messages were compared for it. */
export interface GrowthRun {
  readonly grown: Grown;
  readonly checked: number;
}

export async function measureGrowth(
  subject: Subject,
  plan: GrowthPlan,
  onSize: (size: number) => void = () => {},
): Promise<Grown> {
  const grown: [size: number, figures: Figures][] = [];
  let open = 0;
  for (const size of plan.sizes) {
    await subject.open(open, size);
    // Before the first figure all code is as fast as it will be.
    if (open === 0) await measureSize(subject, size, plan);
    open = size;
    grown.push([size, await measureSize(subject, size, plan)]);
    onSize(size);
  }
  return grown;
}

async function measureSize(subject: Subject, size: number, { scale, batches }: GrowthPlan): Promise<Figures> {
  const counted = (full: number): number => Math.max(100, Math.round(full * scale));
  const more = counted(1_000);
  const messages = counted(10_000);
  const speakers = spread(size, TARGETS);
  const cost = async (count: number, run: () => Promise<void>): Promise<number> => {
    await subject.begin();
    await run();
    return (await subject.end()) / count;
  };
  const pushCost = async (order: PushOrder): Promise<number> => {
    await subject.expect(order);
    return cost(order.count, async () => {
      await subject.push(order);
      await subject.settled();
    });
  };
  const measures: Readonly<Record<Figure, () => Promise<number>>> = {
    accept: () => cost(more, () => subject.open(size, size + more)),
    close: () => cost(more, () => subject.close(size, size + more)),
    message: () => cost(messages, () => subject.echo(speakers, messages)),
    push: () => pushCost({ to: 'names', targets: speakers, count: counted(10_000) }),
    coldPush: () => pushCost({ to: 'names', targets: spread(size, size), count: counted(20_000) }),
    // So many that no single garbage collection decides what one costs.
    groupPush: () => pushCost({ to: 'groups', targets: spread(size / GROUP_SIZE, TARGETS), count: counted(5_000) }),
  };
  const costs: Record<Figure, number[]> = { accept: [], close: [], message: [], push: [], coldPush: [], groupPush: [] };
  await subject.tidy();
  // What is collected in a batch is garbage of its own kind; `accept` and `close` take turns, as they must.
  for (const together of [['accept', 'close'], ['message'], ['push'], ['coldPush'], ['groupPush']] as const) {
    for (let batch = 0; batch < batches; batch++) {
      for (const figure of together) costs[figure].push(await measures[figure]());
    }
  }
  return Object.fromEntries(figureNames.map((figure) => [figure, mean(costs[figure])])) as Figures;
}
