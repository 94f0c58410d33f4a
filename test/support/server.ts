import { onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import {
  createTroupe,
  type ListenOptions,
  type ServiceSource,
  type Troupe,
  type TroupeEventName,
  type TroupeEvents,
  type TroupeOptions,
} from 'troupe';
import { Inbox, turn } from './inbox.ts';

export interface Server {
  troupe: Troupe;
  port: number;
  /** `ws://127.0.0.1:port` + path. */
  url(path: string): string;
  /** `http://127.0.0.1:port` + path. */
  http(path: string): string;
}

export interface ServeOptions extends Omit<TroupeOptions, 'services'> {
  listen?: ListenOptions;
}

/** A listening server on a free port of the loopback address, closed when the test ends. */
export async function serve(services: readonly ServiceSource[], options: ServeOptions = {}): Promise<Server> {
  const { listen, ...rest } = options;
  const troupe = createTroupe({ ...rest, services });
  // Or the address of an inspector would be written to standard error.
  troupe.on('inspector.listening', () => {});
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1', ...listen });
  onTestFinished(() => shut(troupe, rest.clock));
  const secure = listen?.tls === undefined ? '' : 's';
  return {
    troupe,
    port,
    url: (path) => `ws${secure}://127.0.0.1:${port}${path}`,
    http: (path) => `http${secure}://127.0.0.1:${port}${path}`,
  };
}

/** Closes whatever is left; a simulated clock is moved until it has. */
async function shut(troupe: Troupe, clock: unknown): Promise<void> {
  const closed = troupe.close({ drain: { timeoutMs: 100 } });
  await (clock instanceof SimulatedClock ? advanceUntil(clock, closed) : closed);
}

/** Moves the clock in small steps, with a turn of the event loop for the sockets after each. */
export async function advance(clock: SimulatedClock, totalMs: number, stepMs = 500): Promise<void> {
  for (let passed = 0; passed < totalMs; passed += stepMs) {
    clock.increment(Math.min(stepMs, totalMs - passed));
    await turn();
  }
}

/** Moves the clock until the promise settles; `limitMs` of simulated time without that is a failure. */
export async function advanceUntil<T>(
  clock: SimulatedClock,
  promise: Promise<T>,
  { limitMs = 600_000, stepMs = 500 }: { limitMs?: number; stepMs?: number } = {},
): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let passed = 0; ; passed += stepMs) {
    await turn();
    if (settled) return promise;
    if (passed > limitMs) throw new Error(`nothing happened within ${limitMs} ms of simulated time`);
    clock.increment(stepMs);
  }
}

/** Collects what the server says about itself under one event name. */
export function watch<E extends TroupeEventName>(troupe: Troupe, event: E): Inbox<TroupeEvents[E]> {
  const inbox = new Inbox<TroupeEvents[E]>();
  const unsubscribe = troupe.on(event, (fact) => {
    inbox.push(fact);
  });
  onTestFinished(() => {
    unsubscribe();
  });
  return inbox;
}
