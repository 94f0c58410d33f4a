import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { Drain, drainRequest, type DrainRequest } from '../../src/runtime/drain.ts';
import { turn, turns } from '../support/inbox.ts';

function arrange(count: number, request: Partial<DrainRequest> = {}) {
  const clock = new SimulatedClock();
  const happened: string[] = [];
  const note = (what: string): void => {
    happened.push(`${clock.now()}: ${what}`);
  };
  const drain = new Drain(clock, { timeoutMs: 1000, batchSize: 2, code: 1001, ...request }, () => note('timed out'));
  const connections = Array.from({ length: count }, (_, index) => ({
    tellDraining: () => note(`told ${index}`),
    finish: (code: number, reason: string) => note(`finished ${index} with ${code}${reason}`),
  }));
  /** From timer to timer, as time goes by. */
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 10) clock.increment(10);
  };
  /** Begins, and waits for the turns in which connections are told and the first batch is closed. */
  const begin = async (list: Parameters<Drain['begin']>[0] = connections): Promise<void> => {
    drain.begin(list);
    await turns(2);
  };
  const pending = (): number => (clock as unknown as { timeouts: Map<unknown, unknown> }).timeouts.size;
  return { clock, drain, connections, happened, note, pass, begin, pending };
}

describe('draining', () => {
  it('tells every connection before it closes the first', async () => {
    const { happened, begin } = arrange(3, { batchSize: 10 });
    await begin();
    expect(happened).toEqual([
      '0: told 0',
      '0: told 1',
      '0: told 2',
      '0: finished 0 with 1001',
      '0: finished 1 with 1001',
      '0: finished 2 with 1001',
    ]);
  });

  it('closes batch after batch, spread over the first half of the time', async () => {
    const { happened, pass, begin } = arrange(5);
    await begin();
    happened.length = 0;
    pass(500);
    expect(happened).toEqual(['170: finished 2 with 1001', '170: finished 3 with 1001', '340: finished 4 with 1001']);
  });

  it('closes each connection once', async () => {
    const { happened, pass, begin } = arrange(101, { batchSize: 10 });
    await begin();
    pass(990);
    const finished = happened.filter((one) => one.includes('finished')).map((one) => one.split(' ')[2]);
    expect(finished).toEqual(Array.from({ length: 101 }, (_, index) => String(index)));
  });

  it('closes with the code that it was asked for', async () => {
    const { happened, begin } = arrange(1, { code: 1012 });
    await begin();
    expect(happened.at(-1)).toBe('0: finished 0 with 1012');
  });

  it('says when the time is over, once', async () => {
    const { happened, pass, begin } = arrange(0);
    await begin([]);
    pass(5000);
    expect(happened).toEqual(['1000: timed out']);
  });

  it('leaves no timer behind when it ends', async () => {
    const { drain, happened, pass, begin, pending } = arrange(9);
    await begin();
    pass(130);
    happened.length = 0;
    drain.end();
    expect(pending()).toBe(0);
    pass(5000);
    expect(happened).toEqual([]);
  });

  it('leaves no timer behind when there is nobody to close', async () => {
    const { drain, begin, pending } = arrange(0);
    await begin([]);
    drain.end();
    drain.end();
    expect(pending()).toBe(0);
  });

  it('leaves no timer behind when the last connections end while a batch is closed', async () => {
    const { drain, happened, note, pass, begin, pending } = arrange(0);
    // The others of its list ended by themselves; the service stops with this one.
    const last = { tellDraining: () => {}, finish: () => drain.end() };
    const gone = { tellDraining: () => {}, finish: () => note('closed although the drain had ended') };
    await begin([last, last, gone]);
    expect(pending()).toBe(0);
    pass(5000);
    expect(happened).toEqual([]);
  });

  it('destroys at once when no time is given', async () => {
    const { clock, happened, begin } = arrange(2, { timeoutMs: 0 });
    await begin();
    clock.increment(1);
    expect(happened.at(-1)).toBe('1: timed out');
  });

  it('neither tells nor closes before a turn of the event loop of its own', async () => {
    const { drain, connections, happened } = arrange(1);
    drain.begin(connections);
    expect(happened).toEqual([]);
    await Promise.resolve();
    expect(happened).toEqual([]);
    await turn();
    expect(happened).toEqual(['0: told 0']);
    await turn();
    expect(happened).toEqual(['0: told 0', '0: finished 0 with 1001']);
  });

  it('closes nobody when it ends before its first batch', async () => {
    const { drain, connections, happened, pass, pending } = arrange(3);
    drain.begin(connections);
    await turn();
    happened.length = 0;
    drain.end();
    await turn();
    pass(5000);
    expect(happened).toEqual([]);
    expect(pending()).toBe(0);
  });
});

describe('what a drain is asked for', () => {
  it('has defaults', () => {
    expect(drainRequest(undefined, 1001)).toEqual({ timeoutMs: 10_000, batchSize: 500, code: 1001 });
    expect(drainRequest({ timeoutMs: 0, batchSize: 1 }, 1012)).toEqual({ timeoutMs: 0, batchSize: 1, code: 1012 });
  });

  it.each([
    ['drain.timeoutMs', { timeoutMs: -1 }],
    ['drain.timeoutMs', { timeoutMs: Number.NaN }],
    ['drain.timeoutMs', { timeoutMs: 0.5 }],
    // Longer than a timer can wait: Node would take it for 1 ms.
    ['drain.timeoutMs', { timeoutMs: 2 ** 31 }],
    ['drain.batchSize', { batchSize: 0 }],
    ['drain.batchSize', { batchSize: Infinity }],
  ])('is refused for a %s as in %j', (argument, options) => {
    const refused = {
      name: 'TroupeRangeError',
      code: 'TROUPE_ARGUMENT_INVALID',
      fields: expect.objectContaining({ argument }) as object,
    };
    expect(() => drainRequest(options, 1001)).toThrow(expect.objectContaining(refused));
  });
});
