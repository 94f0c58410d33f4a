/**
 * Lays charts out in elkjs's own worker file, which is shipped unmodified.
 *
 * Its protocol is two messages, so elkjs's client part is not needed: nothing
 * of elkjs is in the page's bundle. The worker is started with the first chart
 * and ended when a layout takes too long; the next chart starts a new one.
 */
import type { Graph } from '../../protocol.ts';
import { elkGraph, mostStates } from './elk-graph.ts';
import type { ElkNode } from './elk-types.ts';
import { statesOf } from './graph.ts';
import { planChart } from './plan.ts';
import { svgModel, type SvgModel } from './svg-model.ts';

/** As much of a `Worker` as is used. */
export interface LayoutWorker {
  send(message: unknown): void;
  terminate(): void;
}

/** What a worker tells. */
export interface WorkerListener {
  readonly answered: (data: unknown) => void;
  readonly failed: () => void;
}

type StartWorker = (listener: WorkerListener) => LayoutWorker;

interface Waiting {
  readonly resolve: (graph: ElkNode) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

interface Answer {
  readonly id: number;
  readonly data?: unknown;
  readonly error?: unknown;
}

const patienceMs = 20_000;

export class Layouter {
  readonly #start: StartWorker;
  readonly #waiting = new Map<number, Waiting>();
  #worker: LayoutWorker | undefined;
  #lastId = 0;

  constructor(start: StartWorker) {
    this.#start = start;
  }

  /** The picture of `graph`; rejects when it is too large, or when the worker fails or takes too long. */
  async layOut(graph: Graph): Promise<SvgModel> {
    const count = Array.from(statesOf(graph.root)).length;
    if (count > mostStates) throw new Error(`It has ${count} states; pictures are made of up to ${mostStates}.`);
    const plan = planChart(graph);
    return svgModel(plan, await this.#ask(elkGraph(plan)));
  }

  #ask(graph: ElkNode): Promise<ElkNode> {
    const worker = (this.#worker ??= this.#begin());
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail('The layout took too long.'), patienceMs);
      this.#waiting.set(id, { resolve, reject, timer });
      worker.send({ id, cmd: 'layout', graph, layoutOptions: {}, options: {} });
    });
  }

  #begin(): LayoutWorker {
    const worker = this.#start({
      answered: (data) => this.#answered(data as Answer),
      failed: () => this.#fail('The layout worker failed.'),
    });
    worker.send({ id: 0, cmd: 'register', algorithms: ['layered', 'rectpacking'] });
    return worker;
  }

  #answered({ id, data, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(data as ElkNode);
    else waiting.reject(new Error('The layout of this chart failed.'));
  }

  #fail(message: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Error(message));
    }
    this.#waiting.clear();
  }
}
