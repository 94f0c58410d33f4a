/**
 * The wire format of `@statelyai/inspect` 0.7, made by ourselves: that package converts an event before it looks whether
 * anybody wants it, and binds nothing in size. `test/inspector/stately.test.ts` reads it with the package's own receiver.
 */
import type { AnyActorRef, EventObject, InspectedEventEvent, InspectedSnapshotEvent } from 'xstate';
import { Definitions, idOf } from './definition.ts';
import { cut, defaultBounds, describe, describeState } from './describe.ts';
import type {
  ActorFrame,
  Described,
  DescribedEvent,
  DescribedSnapshot,
  EventFrame,
  ServerFrame,
  SnapshotFrame,
  StatelyEnvelope,
} from './protocol.ts';
import { chartOf, childrenIn, read, snapshotOf } from './reading.ts';
import { redactData, redactError, redactEvent, type Redaction } from './redaction.ts';

/** The version of the package whose format this is. */
const VERSION = '0.7.2';

/** The most bytes of a frame that describes values of users. */
export const MAX_FRAME_BYTES = 65_536;
const MAX_TYPE = 200;

export interface WireSetting {
  readonly redaction: Redaction;
  /** The sessionId of the root of the system. */
  readonly rootId: string;
  /** What is shown as the context of an actor of the runtime; `undefined` for an actor of the user's code. */
  ownContext(actor: AnyActorRef): (() => unknown) | undefined;
  readonly now: () => number;
}

/** Where something belongs: to which step of its actor, and when it happened. */
export type Place = Pick<SnapshotFrame, 'step' | 'moment'>;

const STATUSES: readonly unknown[] = ['active', 'done', 'error', 'stopped'] satisfies DescribedSnapshot['status'][];

export class StatelyWire {
  readonly #setting: WireSetting;
  readonly #definitions: Definitions;

  constructor(setting: WireSetting) {
    this.#setting = setting;
    this.#definitions = new Definitions(setting.redaction);
  }

  actor(actor: AnyActorRef, moment: number): ActorFrame {
    return {
      type: '@xstate.actor',
      name: idOf(actor) ?? '',
      parentId: actor._parent?.sessionId,
      definition: this.#definitions.of(actor, this.#setting.ownContext(actor) !== undefined),
      snapshot: this.snapshotOf(actor, snapshotOf(actor)),
      moment,
      ...this.#envelope(actor),
    };
  }

  event({ event, actorRef, sourceRef }: InspectedEventEvent, place: Place): EventFrame {
    return {
      type: '@xstate.event',
      event: this.eventOf(actorRef as AnyActorRef, event),
      sourceId: sourceRef?.sessionId,
      ...place,
      ...this.#envelope(actorRef),
    };
  }

  snapshot({ event, actorRef, snapshot }: InspectedSnapshotEvent, place: Place): SnapshotFrame {
    return {
      type: '@xstate.snapshot',
      event: this.eventOf(actorRef as AnyActorRef, event),
      snapshot: this.snapshotOf(actorRef as AnyActorRef, snapshot),
      ...place,
      ...this.#envelope(actorRef),
    };
  }

  /** An event that `actor` is given. */
  eventOf(actor: AnyActorRef, event: EventObject): DescribedEvent {
    // XState does not look at what users' code sends.
    const given = read(event, 'type');
    const type = cut(typeof given === 'string' ? given : '[no type]', MAX_TYPE);
    const whose = this.#setting.ownContext(actor) === undefined ? 'user' : 'own';
    const described = describe(event, ['event'], redactEvent(this.#setting.redaction, whose, type));
    return isObject(described) ? { ...described, type } : { type };
  }

  snapshotOf(actor: AnyActorRef, snapshot: unknown): DescribedSnapshot {
    // An actor of XState is told of before it has a snapshot.
    if (typeof snapshot !== 'object' || snapshot === null) return { status: 'active' };
    const status = read(snapshot, 'status');
    const [value, tags] = [read(snapshot, 'value'), read(snapshot, 'tags')];
    const [output, error] = [read(snapshot, 'output'), read(snapshot, 'error')];
    const own = this.#setting.ownContext(actor);
    const { redaction } = this.#setting;
    const redact = redactData(redaction, own === undefined ? 'user' : 'own');
    const shown = own === undefined ? read(snapshot, 'context') : own();
    const hasChildren = own === undefined && typeof (read(snapshot, 'children') ?? 0) === 'object';
    // The states of a chart are no data of anybody; logic of users may keep anything there.
    const isOfChart = chartOf(actor) !== undefined;
    return {
      status: STATUSES.includes(status) ? (status as DescribedSnapshot['status']) : 'active',
      ...(value !== undefined && {
        value: isOfChart ? describeState(value) : describe(value, ['value'], redact),
      }),
      ...(isOfChart && tags instanceof Set && { tags: textsIn(tags) }),
      ...(shown !== undefined && { context: describe(shown, ['context'], redact) }),
      ...(hasChildren && { children: idsOf(childrenIn(snapshot, defaultBounds.items)) }),
      ...(output !== undefined && { output: describe(output, ['output'], redact) }),
      ...(error !== undefined && { error: describe(error, ['error'], redactError(redaction)) }),
    };
  }

  #envelope({ sessionId }: { readonly sessionId: string }): StatelyEnvelope {
    const { now, rootId } = this.#setting;
    return { _version: VERSION, createdAt: String(now()), id: null, rootId, sessionId };
  }
}

/** The texts of a set that may be none of XState's making. */
function textsIn(tags: ReadonlySet<unknown>): readonly string[] {
  const texts: string[] = [];
  try {
    for (const tag of tags) {
      if (typeof tag === 'string') texts.push(cut(tag, MAX_TYPE));
      if (texts.length === defaultBounds.items) break;
    }
  } catch {
    // Those that could be read.
  }
  return texts;
}

function idsOf(children: ReturnType<typeof childrenIn>): Readonly<Record<string, string>> {
  return Object.fromEntries(children.map(([id, { sessionId }]) => [cut(id, MAX_TYPE), sessionId]));
}

function isObject(value: unknown): value is { readonly [key: string]: Described } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const TOO_LARGE = '[too large to be shown]';

/** `frame` as text. One that describes too much, which only odd characters can make it, is told without the values. */
export function encode(frame: ServerFrame): string {
  let text = JSON.stringify(frame);
  if (fits(text)) return text;
  switch (frame.type) {
    case '@xstate.actor':
      text = JSON.stringify({ ...frame, snapshot: { status: frame.snapshot.status, context: TOO_LARGE } });
      if (!fits(text))
        text = JSON.stringify({ ...frame, definition: JSON.stringify({ id: frame.name }), snapshot: {} });
      return text;
    case '@xstate.event':
      return JSON.stringify({ ...frame, event: { type: frame.event.type, '…': TOO_LARGE } });
    case '@xstate.snapshot': {
      const { status, value } = frame.snapshot;
      const event = { type: frame.event.type, '…': TOO_LARGE };
      text = JSON.stringify({ ...frame, event, snapshot: { status, value, context: TOO_LARGE } });
      return fits(text) ? text : JSON.stringify({ ...frame, event, snapshot: { status, context: TOO_LARGE } });
    }
    case 'troupe.microstep':
      return JSON.stringify({ ...frame, event: { type: frame.event.type, '…': TOO_LARGE } });
    default:
      return text;
  }
}

function fits(text: string): boolean {
  if (text.length > MAX_FRAME_BYTES) return false;
  return text.length * 3 <= MAX_FRAME_BYTES || Buffer.byteLength(text) <= MAX_FRAME_BYTES;
}
