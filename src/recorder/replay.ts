/**
 * Replays a recording: gives the service again what it was given, and compares what follows.
 *
 * Both sides are entries that were made by the same code. Those that the replay makes wait in a queue; where a recorded
 * entry is something that came from outside and the queue is empty, it is given to the service, and what follows is
 * compared one by one with what was recorded. It ends at the first difference: what comes after one says nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyActorRef, EventObject } from 'xstate';
import type { ConnectionEvent } from '../runtime/connection-regions.ts';
import type { ServiceEvent } from '../service/events.ts';
import { describeEntry, essenceOf, isSameEntry, stateOf } from './compare.ts';
import { lifecycleEvents, type Entry, type EntryOf } from './entries.ts';
import type { ReadRecording } from './read.ts';
import type { AnyRecordedConnection } from './recorded-connection.ts';
import type { Prompter, Reel } from './reel.ts';
import type { Sink } from './tape.ts';
import { decode, type Json } from './values.ts';

/** One entry of a recording, replayed. */
export interface ReplayStep {
  /** The line of the recording. */
  readonly line: number;
  readonly kind: Entry['kind'];
  /** When it was recorded, in ms since 1970. */
  readonly at: number;
  /** What was recorded, in words. */
  readonly recorded: string;
  /** `same`; `different`; `told`: it is part of the recording, but not of what is replayed. */
  readonly outcome: 'same' | 'different' | 'told';
}

export interface Difference {
  readonly line: number;
  /** What was compared, as JSON. */
  readonly recorded: Json;
  /** Undefined when nothing happened. */
  readonly replayed: Json | undefined;
  readonly words: { readonly recorded: string; readonly replayed: string };
}

export interface Outcome {
  readonly steps: readonly ReplayStep[];
  readonly difference: Difference | undefined;
}

export interface Replaying {
  readonly connection: AnyRecordedConnection;
  readonly actor: () => AnyActorRef | undefined;
  readonly setTime: (at: number) => void;
  readonly timeoutMs: number;
}

const NOTHING = 'nothing';

/** What happened in the replay and was not compared yet. */
export class Produced implements Sink {
  readonly #entries: Entry[] = [];
  #wake: (() => void) | undefined;

  write(entry: Entry): void {
    if (!isCompared(entry)) return;
    this.#entries.push(entry);
    this.#wake?.();
  }

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  take(): Entry | undefined {
    return this.#entries.shift();
  }

  /** Takes out the latest entry if it is of the chart. */
  takeChart(): Entry | undefined {
    const at = this.#entries.findLastIndex(({ kind }) => kind === 'chart');
    return at === -1 ? undefined : this.#entries.splice(at, 1)[0];
  }

  clear(): void {
    this.#entries.length = 0;
  }

  /** Resolves when there is something more, or after `timeoutMs`. */
  async more(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

/** Says what the rest of the world said. */
export class RecordedAnswers implements Prompter {
  readonly #calls: readonly EntryOf<'call'>[];
  readonly #beginnings: (readonly EventObject[])[];
  #next = 0;
  readonly #waiting = new Map<number, (outcome: { data: unknown } | { error: unknown }) => void>();

  constructor(entries: readonly Entry[]) {
    const begins = [...entries.keys()].filter((index) => entries[index]!.kind === 'begin');
    this.#beginnings = begins.map((begin) => stepsBeforeOpening(entries.slice(begin + 1)));
    this.#calls = entries.filter((entry) => entry.kind === 'call').filter(({ beside }) => beside !== true);
  }

  answerTo(name: string, args: Json): { readonly answer: unknown } | undefined {
    const call = this.#calls[this.#next];
    if (call?.function !== name || !isDeepStrictEqual(call.arguments, args)) return undefined;
    this.#next++;
    // The answer that comes later is an entry of its own.
    if (call.request !== undefined) return { answer: new Promise(() => {}) };
    return call.answer === undefined ? undefined : { answer: decode(call.answer) };
  }

  stepsOfBeginning(): readonly EventObject[] {
    return this.#beginnings.shift() ?? [];
  }

  awaitAnswer(request: number, settle: (outcome: { data: unknown } | { error: unknown }) => void): void {
    this.#waiting.set(request, settle);
  }

  give({ request, data, error }: EntryOf<'answer'>): void {
    this.#waiting.get(request)?.(error === undefined ? { data: decode(data) } : { error: decode(error) });
    this.#waiting.delete(request);
  }
}

/** What a machine took before it was told of its opening, if it was. */
function stepsBeforeOpening(entries: readonly Entry[]): readonly EventObject[] {
  const end = entries.findIndex(({ kind }) => kind === 'event' || kind === 'chart' || kind === 'crash');
  const last = entries[end];
  if (last?.kind !== 'event' || (last.event as { type?: unknown }).type !== 'ws.open') return [];
  const steps = entries.slice(0, end).filter((entry) => entry.kind === 'step');
  return steps.map(({ event }) => decode(event) as EventObject);
}

/** Whether an entry is part of what a replay does again. */
function isCompared(entry: Entry): boolean {
  if (entry.kind === 'chart') return lifecycleEvents.has(entry.event);
  return !(entry.kind === 'call' && entry.beside === true);
}

export class Replay {
  readonly #recording: ReadRecording;
  readonly #produced: Produced;
  readonly #answers: RecordedAnswers;
  readonly #replaying: Replaying;
  readonly #steps: ReplayStep[] = [];
  #recordedState: Json | undefined;
  #replayedState: Json | undefined;

  constructor(recording: ReadRecording, produced: Produced, answers: RecordedAnswers, replaying: Replaying) {
    this.#recording = recording;
    this.#produced = produced;
    this.#answers = answers;
    this.#replaying = replaying;
  }

  async run(): Promise<Outcome> {
    const { header, entries } = this.#recording;
    if (header.base !== undefined) this.#begin(header.base.machine);
    for (const [index, entry] of entries.entries()) {
      const difference = await this.#replay(entry, index + 2);
      if (difference !== undefined) return { steps: this.#steps, difference };
    }
    return { steps: this.#steps, difference: undefined };
  }

  /** What led to the base is not recorded: both sides begin with it. */
  #begin(machine: Json | undefined): void {
    if (machine !== undefined) this.#recordedState = stateOf(machine);
    for (let entry = this.#produced.take(); entry !== undefined; entry = this.#produced.take()) this.#heed(entry);
  }

  async #replay(entry: Entry, line: number): Promise<Difference | undefined> {
    const note = (outcome: ReplayStep['outcome']): void => {
      const { kind, at } = entry;
      this.#steps.push({ line, kind, at, recorded: describeEntry(entry), outcome });
    };
    if (!isCompared(entry)) {
      note('told');
      return undefined;
    }
    this.#replaying.setTime(entry.at);
    const difference = entry.kind === 'state' ? this.#compareState(entry, line) : await this.#compare(entry, line);
    note(difference === undefined ? 'same' : 'different');
    return difference;
  }

  #compareState(entry: EntryOf<'state'>, line: number): Difference | undefined {
    this.#recordedState = stateOf(entry.state);
    this.#takeStates();
    if (isDeepStrictEqual(this.#recordedState, this.#replayedState)) return undefined;
    return this.#stateDifference(line, describeEntry(entry));
  }

  async #compare(entry: Entry, line: number): Promise<Difference | undefined> {
    const found = await this.#next(entry);
    if (!isDeepStrictEqual(this.#recordedState, this.#replayedState)) {
      return this.#stateDifference(line, describeEntry(entry));
    }
    if (found === 'reached' || (found !== undefined && isSameEntry(entry, found))) return undefined;
    return {
      line,
      recorded: essenceOf(entry),
      replayed: found && essenceOf(found),
      words: { recorded: describeEntry(entry), replayed: found === undefined ? NOTHING : describeEntry(found) },
    };
  }

  #stateDifference(line: number, recorded: string): Difference {
    const state = this.#replayedState;
    const replayed = state === undefined ? NOTHING : describeEntry({ kind: 'state', at: 0, state });
    return { line, recorded: this.#recordedState ?? null, replayed: state, words: { recorded, replayed } };
  }

  /** What follows in the replay; `reached`: nothing does, as it is there already. */
  async #next(entry: Entry): Promise<Entry | 'reached' | undefined> {
    let isGiven = false;
    let patience = 2;
    for (;;) {
      this.#takeStates();
      const { first } = this.#produced;
      if (first !== undefined) {
        if (entry.kind !== 'chart' || first.kind === 'chart') return this.#produced.take();
        // The handler is further than it was then.
        if (!isGiven) this.#give(entry);
        return this.#produced.takeChart() ?? 'reached';
      }
      if (!isGiven && isInput(entry) && (entry.kind !== 'step' || !this.#reel.isBusy)) {
        isGiven = true;
        if (entry.kind === 'chart' && isAsked(entry) && this.#reel.lifecycle === entry.lifecycle) return 'reached';
        this.#give(entry);
        if (entry.kind === 'chart' && this.#produced.first === undefined && this.#reel.lifecycle === entry.lifecycle) {
          return 'reached';
        }
        continue;
      }
      if (patience-- === 0) return undefined;
      // What a handler awaits may take its time; otherwise what has to follow follows within a turn of the event loop.
      const isLate = this.#reel.isBusy || (entry.kind === 'crash' && entry.during === 'action');
      await this.#produced.more(isLate ? this.#replaying.timeoutMs : 20);
    }
  }

  #takeStates(): void {
    while (this.#produced.first?.kind === 'state') this.#heed(this.#produced.take()!);
  }

  #heed(entry: Entry): void {
    if (entry.kind === 'state') this.#replayedState = stateOf(entry.state);
  }

  #give(entry: Entry): void {
    const { connection, actor } = this.#replaying;
    switch (entry.kind) {
      case 'event':
        giveEvent(connection, decode(entry.event) as ServiceEvent);
        return;
      case 'step':
        actor()?.send(decode(entry.event) as EventObject);
        return;
      case 'chart':
        giveToChart(connection, entry);
        return;
      case 'answer':
        this.#answers.give(entry);
        return;
      default:
    }
  }

  get #reel(): Reel {
    return this.#replaying.connection.recorder.reel;
  }
}

/** What may have come from outside. */
function isInput({ kind }: Entry): boolean {
  return kind === 'event' || kind === 'step' || kind === 'chart' || kind === 'answer';
}

/** It was closed by somebody: the service itself, perhaps, which does it again. */
function isAsked({ event }: EntryOf<'chart'>): boolean {
  return event === 'close.requested' || event === 'finish.requested';
}

function giveEvent(connection: AnyRecordedConnection, event: ServiceEvent): void {
  if (event.type === 'ws.error') connection.handling.tellError(connection, event.error);
  else if (connection.configuration.tags.has('ready')) connection.actor.deliver(event as ConnectionEvent);
  // It had arrived before its connection began to close.
  else connection.handling.run(connection, event);
}

function giveToChart(
  connection: AnyRecordedConnection,
  { event, code = 1006, reason = '', error }: EntryOf<'chart'>,
): void {
  if (event === 'close.requested') connection.requestClose(code, reason);
  else connection.actor.deliver({ type: event, code, reason, error: decode(error) } as ConnectionEvent);
}
