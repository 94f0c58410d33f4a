/**
 * The functions that work from anywhere, for handlers, actions and the embedding
 * program alike: check the arguments, ask the registry actor, report what did
 * not arrive.
 *
 * On one node every answer is there at once; on several (`cluster/functions.ts`)
 * what concerns other nodes is not. Answers without a count of their
 * own are shared objects: a push allocates nothing for them.
 */
import type { Waiting } from '../delivery/backlog.ts';
import { isBinary, type Frame } from '../delivery/frame.ts';
import { checkClose, checkName } from '../arguments.ts';
import type { Except, GlobalFunctions, PushOptions } from '../service/connection.ts';
import type { Answer, Delivery, DeliveryStatus, Outcome, OutcomeStatus } from '../service/outcome.ts';
import type { Events } from '../telemetry/events.ts';
import type { LiveConnection } from './connection.ts';
import type { GroupPush, GroupsRef } from './groups.ts';
import type { NamedConnectionsRef } from './named-connections.ts';
import { binaryFrame, textFrame } from './push.ts';
import { ask } from './registry.ts';

/** The default of the functions that close: RFC 6455 §7.4.1, "normal closure". */
export const NORMAL_CLOSURE = 1000;

const deliveries = new Map<DeliveryStatus, Delivery>();
const outcomes = new Map<OutcomeStatus, Outcome>();

/** The answer for a push to one connection. */
export function deliveryOf(status: DeliveryStatus): Delivery {
  let delivery = deliveries.get(status);
  if (delivery === undefined) {
    delivery = Object.freeze({ status, count: status === 'delivered' ? 1 : 0 });
    deliveries.set(status, delivery);
  }
  return delivery;
}

/** The answer of a function that concerns one connection. */
export function outcomeOf(status: OutcomeStatus): Outcome {
  let outcome = outcomes.get(status);
  if (outcome === undefined) {
    outcome = Object.freeze({ status, count: status === 'ok' ? 1 : 0 });
    outcomes.set(status, outcome);
  }
  return outcome;
}

/** How a push to several connections went. */
interface FanOut {
  readonly known: boolean;
  readonly delivered: number;
  readonly accepted: number;
  readonly missed: number;
}

const ASKED_FROM_WITHIN: GroupPush = { known: true, delivered: 0, accepted: 0, missed: 0 };

export class Functions implements GlobalFunctions {
  readonly #names: NamedConnectionsRef<LiveConnection>;
  readonly #groups: GroupsRef<LiveConnection>;
  readonly #events: Events;

  constructor(names: NamedConnectionsRef<LiveConnection>, groups: GroupsRef<LiveConnection>, events: Events) {
    this.#names = names;
    this.#groups = groups;
    this.#events = events;
  }

  pushTextToConnection(name: string, text: string, options?: PushOptions): Answer<Delivery> {
    checkName('name', name);
    return this.pushFrameToName('pushTextToConnection', name, textFrame(text, options));
  }

  pushBinaryToConnection(name: string, data: Uint8Array, options?: PushOptions): Answer<Delivery> {
    checkName('name', name);
    return this.pushFrameToName('pushBinaryToConnection', name, binaryFrame(data, options));
  }

  pushTextToGroup(group: string, text: string, options?: Except): Delivery {
    checkName('group', group);
    return this.pushFrameToGroup('pushTextToGroup', group, textFrame(text, options), options);
  }

  pushBinaryToGroup(group: string, data: Uint8Array, options?: Except): Delivery {
    checkName('group', group);
    return this.pushFrameToGroup('pushBinaryToGroup', group, binaryFrame(data, options), options);
  }

  removeStoredConnection(name: string): Answer<Outcome> {
    checkName('name', name);
    const holder = ask(this.#names, { type: 'name.remove', name }, 'unknown');
    return outcomeOf(holder === 'unknown' ? 'unknown' : 'ok');
  }

  closeStoredConnection(name: string, code = NORMAL_CLOSURE, reason = ''): Answer<Outcome> {
    checkName('name', name);
    checkClose(code, reason);
    const holder = ask(this.#names, { type: 'name.remove', name }, 'unknown');
    if (holder === 'unknown') return outcomeOf('unknown');
    holder.requestClose(code, reason);
    return outcomeOf('ok');
  }

  removeConnectionGroup(group: string, options: { readonly retire?: boolean } = {}): Answer<Outcome> {
    checkName('group', group);
    const members = ask(this.#groups, { type: 'group.remove', group, retire: options.retire === true }, 'unknown');
    return members === 'unknown' ? outcomeOf('unknown') : { status: 'ok', count: members.length };
  }

  closeConnectionGroup(group: string, code = NORMAL_CLOSURE, reason = ''): Answer<Outcome> {
    checkName('group', group);
    checkClose(code, reason);
    const members = ask(this.#groups, { type: 'group.remove', group, retire: false }, 'unknown');
    if (members === 'unknown') return outcomeOf('unknown');
    for (const member of members) member.requestClose(code, reason);
    return { status: 'ok', count: members.length };
  }

  /** Stores `connection` and tells the one that held the name. */
  store(name: string, connection: LiveConnection): Answer<Outcome> {
    const { replaced } = ask(this.#names, { type: 'name.store', name, connection }, { replaced: undefined });
    if (replaced !== undefined) {
      if (this.#events.has('connection.replaced'))
        this.#events.emit('connection.replaced', { name, connection: connection.id, previous: replaced.id });
      replaced.tellReplaced(name);
    }
    return outcomeOf('ok');
  }

  addToGroup(group: string, connection: LiveConnection): Answer<Outcome> {
    return outcomeOf(ask(this.#groups, { type: 'group.add', group, connection }, 'ok'));
  }

  removeFromGroup(group: string, connection: LiveConnection): Answer<Outcome> {
    return outcomeOf(ask(this.#groups, { type: 'group.leave', group, connection }, 'ok'));
  }

  /** Takes `connection` out of its groups and its names away. */
  purge(connection: LiveConnection): void {
    if (connection.heldNames !== undefined) this.#names.send({ type: 'connection.purge', connection });
    if (connection.joinedGroups !== undefined) this.#groups.send({ type: 'connection.purge', connection });
  }

  isMember(group: string, connection: LiveConnection): boolean {
    return this.#groups.getSnapshot().context.byName.get(group)?.members.has(connection) ?? false;
  }

  /** The answer for a push to one connection; reports it when it did not arrive. */
  pushed(name: string, target: string, frame: Frame, status: DeliveryStatus): Delivery {
    if (status !== 'delivered' && status !== 'accepted')
      this.#deadLetter(name, target, status, frame.payloadLength, status === 'unknown' ? 0 : 1);
    return deliveryOf(status);
  }

  /** The answer for a push to several connections; reports those that it did not reach. */
  fannedOut(name: string, target: string, frame: Frame, { known, delivered, accepted, missed }: FanOut): Delivery {
    if (!known) {
      this.#deadLetter(name, target, 'unknown', frame.payloadLength, 0);
      return deliveryOf('unknown');
    }
    if (missed > 0) this.#deadLetter(name, target, 'congested', frame.payloadLength, missed);
    if (delivered > 0 || (accepted === 0 && missed === 0)) return { status: 'delivered', count: delivered };
    return deliveryOf(accepted > 0 ? 'accepted' : 'congested');
  }

  /**
   * What waited for the connection with that id was dropped. Reported in a turn of the event loop: now may be the
   * middle of a broadcast, and whoever pushes again in answer to it must not hold up all others.
   */
  droppedWaiting(id: string, { frame, payloadLength }: Waiting): void {
    if (!this.#events.has('push.dead-lettered')) return;
    const name = isBinary(frame) ? 'pushBinary' : 'pushText';
    setImmediate(() => this.#deadLetter(name, id, 'congested', payloadLength, 1));
  }

  pushFrameToName(name: string, target: string, frame: Frame): Answer<Delivery> {
    return this.pushed(name, target, frame, ask(this.#names, { type: 'name.push', name: target, frame }, 'accepted'));
  }

  pushFrameToGroup(name: string, group: string, frame: Frame, options: Except | undefined): Delivery {
    const except = exceptedIds(options);
    const push = ask(this.#groups, { type: 'group.push', group, frame, except }, ASKED_FROM_WITHIN);
    if (push === ASKED_FROM_WITHIN) return deliveryOf('accepted');
    return this.fannedOut(name, group, frame, push);
  }

  #deadLetter(name: string, target: string, status: DeliveryStatus, bytes: number, missed: number): void {
    if (!this.#events.has('push.dead-lettered')) return;
    this.#events.emit('push.dead-lettered', { function: name, target, status, bytes, missed });
  }
}

/** The ids of the connections to leave out. */
export function exceptedIds(options: Except | undefined): ReadonlySet<string> | undefined {
  const except = options?.except;
  if (except === undefined || except.length === 0) return undefined;
  return new Set(except.map((one) => (typeof one === 'string' ? one : one.id)));
}
