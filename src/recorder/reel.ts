/**
 * What happens to one connection, made into entries in the order in which it does.
 *
 * It is told by the connection, its performer and its machine (`recorded-connection.ts`, `recorded-behaviour.ts`), and
 * hands the entries to a tape, or to a replay: both are made by the same code, so that they can be compared.
 */
import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import { regionsOf } from '../runtime/connection-regions.ts';
import type { LiveConnection } from '../runtime/connection.ts';
import type { RecordingGap } from '../service/recorder.ts';
import type { Note } from './entries.ts';
import { lifecycleOf } from './lifecycle.ts';
import { encodeSnapshot } from './machine-state.ts';
import type { Parts } from './parts.ts';
import type { Footing, Sink } from './tape.ts';
import type { Json } from './values.ts';

/** What a replay says in the place of the rest of the world. */
export interface Prompter {
  /** What the runtime answered; undefined: it answers again. */
  answerTo(name: string, args: Json): { readonly answer: unknown } | undefined;
  /** `settle` is to be called with what that request was answered with. */
  /** What the machine took between its beginning and its opening; asked once for each beginning. */
  stepsOfBeginning(): readonly EventObject[];
  awaitAnswer(request: number, settle: (outcome: { data: unknown } | { error: unknown }) => void): void;
}

export interface Crash {
  readonly error: unknown;
  readonly during: string;
  readonly state: { readonly connection: unknown; readonly machine?: unknown };
}

const NO_GAPS: ReadonlySet<RecordingGap> = new Set();

export class Reel {
  readonly parts: Parts;
  prompter: Prompter | undefined;
  readonly #connection: LiveConnection;
  readonly #sink: Sink;
  /** How deep the code that runs now is within code of the service. */
  #depth = 0;
  /** How many handlers have not settled. */
  #unsettled = 0;
  /** How many functions of the connection call one another now. */
  #calls = 0;
  #isUp = false;
  #begins = 0;
  /** What the machine has taken since it began, in a replay. */
  #early: string[] = [];
  #requests = 0;
  #auth: unknown;
  /** The snapshot of the machine, and the attributes, as they were recorded last; and what they lack. */
  #machine: string | undefined;
  #attributes: string | undefined;
  #machineGaps = NO_GAPS;
  #attributeGaps = NO_GAPS;
  #base: string | undefined;

  constructor(connection: LiveConnection, parts: Parts, sink: Sink) {
    this.#connection = connection;
    this.parts = parts;
    this.#sink = sink;
    this.#noticeAuth();
  }

  get lifecycle(): string {
    return lifecycleOf(this.#connection.configuration.value);
  }

  /** Whether the service is handling something now. */
  get isBusy(): boolean {
    return this.#depth > 0 || this.#unsettled > 0;
  }

  /** `make` makes what handles the events. */
  begin<Made>(from: 'start' | 'snapshot', make: () => Made): Made {
    if (this.#begins++ > 0 && from === 'start') {
      this.#machine = undefined;
      this.#attributes = undefined;
    }
    this.#base = undefined;
    this.#early = [];
    this.#write({ kind: 'begin', from }, true);
    this.#isUp = true;
    return this.within(make);
  }

  event(event: object, type: string): void {
    // The opening belongs to what begins: nothing goes on from between the two.
    const opens = type !== 'ws.open';
    this.#write({ kind: 'event', event: this.parts.of(event, 'event', type), lifecycle: this.lifecycle }, opens);
  }

  /** Runs code of the service. */
  within<Result>(work: () => Result): Result {
    const calls = this.#calls;
    this.#calls = 0;
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
      this.#calls = calls;
    }
  }

  /** A handler is waited for, until `settled` or `failed`. */
  waits(): void {
    this.#unsettled++;
  }

  failed(): void {
    this.#unsettled--;
  }

  settled(type: string, wasWaitedFor: boolean): void {
    if (wasWaitedFor) this.#unsettled--;
    const attributes = this.#newAttributes();
    this.#write({ kind: 'settled', type, ...(attributes !== undefined && { attributes }) }, false);
  }

  /** The machine has begun, and is not told of its opening yet. */
  begun(actor: AnyActorRef): void {
    this.state(actor);
    const steps = this.prompter?.stepsOfBeginning() ?? [];
    const early = this.#early;
    this.#early = [];
    for (const event of steps) {
      // What the machine sends to itself it has sent again.
      const at = early.indexOf(event.type);
      if (at === -1) actor.send(event);
      else early.splice(at, 1);
    }
  }

  /** The machine takes an event. */
  step(event: EventObject, actor: AnyActorRef, process: () => void): void {
    // An actor that it started may be so quick that it has not been noted yet how it began.
    if (this.#machine === undefined) this.state(actor);
    if (this.prompter !== undefined) this.#early.push(event.type);
    this.#write({ kind: 'step', event: this.parts.of(event, 'event', event.type) }, true);
    this.within(process);
    this.state(actor);
  }

  /** Notes the snapshot of the machine, if it is another one. */
  state(actor: AnyActorRef): void {
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
    // One that has failed is as it was before.
    if (snapshot.status === 'error') return;
    const state = encodeSnapshot(snapshot, this.parts);
    const gaps = this.parts.takeGaps();
    const text = JSON.stringify(state);
    if (text === this.#machine) return;
    this.#machine = text;
    this.#machineGaps = gaps;
    this.#base = undefined;
    this.#write({ kind: 'state', state }, false, gaps);
  }

  /** Runs `act`, which is what the function `name` does, and notes it with its answer. */
  call(name: string, args: readonly unknown[], act: () => unknown): unknown {
    if (this.#calls > 0) return act();
    const isBeside = !this.isBusy;
    const isSecret = name === 'refreshAuth' && !this.parts.includes('auth');
    if (isSecret) this.parts.keepSecret(args[0]);
    const recorded = this.parts.of(withoutEnd(isSecret ? args.slice(1) : args), 'call', name);
    const gaps = this.parts.takeGaps();
    const given = isBeside ? undefined : this.prompter?.answerTo(name, recorded);
    this.#calls++;
    let answer: unknown;
    try {
      answer = act();
    } finally {
      this.#calls--;
    }
    if (given !== undefined) ({ answer } = given);
    const isLater = typeof (answer as { then?: unknown } | null | undefined)?.then === 'function';
    const json = answer === undefined || isLater ? undefined : this.parts.plain(answer);
    // The replies to requests are numbered by themselves.
    const isNumbered = isLater && !isBeside && name !== 'request';
    this.#write(
      {
        kind: 'call',
        function: name,
        arguments: recorded,
        ...(json !== undefined && { answer: json }),
        ...(isNumbered && { request: this.#requests + 1 }),
        ...(isBeside && { beside: true as const }),
      },
      false,
      gaps,
    );
    return isNumbered ? this.request(answer as PromiseLike<unknown>) : answer;
  }

  /** What the service gets for a request, or from other nodes: the same, noted when it settles. */
  request(answer: PromiseLike<unknown>): Promise<unknown> {
    const request = ++this.#requests;
    const awaited = new Promise((resolve, reject) => {
      answer.then(resolve, reject);
      this.prompter?.awaitAnswer(request, (outcome) => {
        if ('error' in outcome) reject(outcome.error as Error);
        else resolve(outcome.data);
      });
    });
    const noted = awaited.then(
      (data) => {
        this.#write({ kind: 'answer', request, data: this.parts.of(data, 'answer', 'request') }, true);
        return data;
      },
      (error: unknown) => {
        this.#write({ kind: 'answer', request, error: this.parts.of(error, 'answer', 'request') }, true);
        throw error;
      },
    );
    // As it is without a recorder: a promise that nobody looks at is no unhandled rejection.
    noted.catch(() => {});
    return noted;
  }

  /** The chart of the connection took an event that is none of the service's. */
  chart(event: EventObject & { code?: number; reason?: string; error?: unknown }): void {
    const { type, code, reason, error } = event;
    const { outbound, inbound, liveness, authentication } = regionsOf(this.#connection.configuration);
    this.#write(
      {
        kind: 'chart',
        event: type,
        ...(code !== undefined && { code }),
        ...(reason !== undefined && { reason: this.parts.plain(reason) as string }),
        ...(error !== undefined && { error: this.parts.of(error, 'error', type) }),
        lifecycle: this.lifecycle,
        outbound,
        inbound,
        liveness,
        authentication,
      },
      true,
    );
  }

  crash({ error, during, state: { connection, machine } }: Crash): void {
    this.#isUp = false;
    const recorded = this.parts.of(error, 'error', during);
    const gaps = this.parts.takeGaps();
    const stack = gaps.has('redacted') || !(error instanceof Error) ? undefined : this.parts.plain(error.stack);
    this.#write(
      {
        kind: 'crash',
        error: recorded,
        ...(typeof stack === 'string' && { stack }),
        during,
        lifecycle: lifecycleOf(connection),
        ...(machine !== undefined && { machine: this.parts.plain(machine) }),
      },
      false,
      gaps,
    );
  }

  #newAttributes(): Json | undefined {
    const { attributes } = this.#connection;
    if (attributes.size === 0 && this.#attributes === undefined) return undefined;
    const json = this.parts.of(attributes, 'attributes');
    const text = JSON.stringify(json);
    if (text === this.#attributes) {
      this.parts.takeGaps();
      return undefined;
    }
    this.#attributes = text;
    this.#base = undefined;
    const gaps = this.parts.takeGaps();
    this.#attributeGaps = gaps;
    for (const gap of gaps) this.parts.lacks(gap);
    return json;
  }

  #noticeAuth(): void {
    const { auth } = this.#connection;
    if (auth === this.#auth) return;
    this.#auth = auth;
    if (!this.parts.includes('auth')) this.parts.keepSecret(auth);
  }

  #write(note: Note, opens: boolean, gaps = this.parts.takeGaps()): void {
    this.#noticeAuth();
    const footing = opens && this.#depth === 0 ? this.#footing() : undefined;
    this.#sink.write({ at: Date.now(), ...note }, gaps, footing);
  }

  #footing(): Footing {
    const isIdle = this.#isUp && this.#unsettled === 0;
    this.#base ??= `{"life":${lifeOf(this.#connection)}${field('machine', this.#machine)}${field('attributes', this.#attributes)}}`;
    const gaps = new Set([...this.#machineGaps, ...this.#attributeGaps]);
    return { base: this.#base, isIdle, gaps: gaps.size === 0 ? NO_GAPS : gaps };
  }
}

/** Without the arguments at the end that were left out. */
function withoutEnd(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((argument) => argument !== undefined) + 1);
}

/** How often a service of declared messages has begun anew: replies to earlier requests are none of its business. */
function lifeOf(connection: LiveConnection): number {
  return 'life' in connection ? (connection.life as number) : 0;
}

function field(name: string, json: string | undefined): string {
  return json === undefined ? '' : `,"${name}":${json}`;
}
