/**
 * Makes the actor of a connection's machine: what XState's `createActor` makes,
 * in half the time.
 *
 * XState's constructor spreads two objects of options into one, for which V8
 * makes a hidden class anew for each actor. Here the same fields are set in the
 * same order, from options of one shape. The actor has XState's own prototype
 * and everything that it does is XState's, but for two things. The scope that it
 * lends its logic is written out again, as XState makes it within its
 * constructor; and its mailbox hands what nobody follows to `quiet-steps.ts`.
 *
 * The first actor of the process is made by XState, and all are as long as it
 * does not look as expected. So are all in XState's development build, which
 * notes whether an action runs, to warn of built-in actions called within it.
 * `test/runtime/machine-actor.test.ts` compares both, and so does the property
 * of `planned-machine.ts`.
 */
import { Actor, createActor, raise, type AnyActorRef, type AnyStateMachine } from 'xstate';
import { reserveConnection } from '../service/bound-connection.ts';
import { fieldsOfMailbox, quietMailboxes, type QuietActor } from './quiet-steps.ts';

export interface MachineActorOptions {
  readonly parent: AnyActorRef;
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
}

/** The internals of XState's system that its `Actor` uses itself. */
interface SystemInternals {
  readonly _logger: unknown;
  readonly _clock: unknown;
  _bookId(): string;
  _sendInspectionEvent(event: object): void;
}

interface Action {
  readonly type: string;
  readonly info: unknown;
  readonly params: unknown;
  readonly exec?: ((info: unknown, params: unknown) => void) | undefined;
}

type Listeners = Map<string, Set<(emitted: object) => void>>;

/** The fields of XState's `Actor`. */
interface Fields extends QuietActor {
  logic: unknown;
  _snapshot: unknown;
  clock: unknown;
  options: object;
  id: string;
  mailbox: object;
  observers: Set<unknown>;
  eventListeners: Listeners;
  logger: unknown;
  _processingStatus: number;
  _parent: AnyActorRef;
  _syncSnapshot: undefined;
  ref: unknown;
  _actorScope: object;
  systemId: undefined;
  sessionId: string;
  system: AnyActorRef['system'];
  _doneEvent: undefined;
  src: string;
  _deferred: (() => void)[];
  send(event: unknown): void;
  _initState(): void;
}

/** What is XState's own and learnt from its first actor. */
interface Model {
  readonly Mailbox: ReturnType<typeof quietMailboxes>;
  readonly clock: unknown;
  readonly logger: unknown;
  readonly devTools: unknown;
}

const RUNNING = 1;

let model: Model | undefined;
let isFirst = true;

export function createMachineActor(machine: AnyStateMachine, options: MachineActorOptions): Actor<AnyStateMachine> {
  if (model !== undefined) return new Made(model, machine, options);
  const actor = createActor(machine, options);
  if (isFirst) model = modelOf(actor as unknown as Fields);
  isFirst = false;
  if (model !== undefined) makeQuiet(actor as unknown as Fields, model);
  return actor;
}

const fields =
  'logic,_snapshot,clock,options,id,mailbox,observers,eventListeners,logger,_processingStatus,_parent,_syncSnapshot,' +
  'ref,_actorScope,systemId,sessionId,system,_doneEvent,src,_deferred,send';
const ofScope = 'self,id,sessionId,logger,defer,system,stopChild,emit,actionExecutor';
const ofOptions = 'clock,logger,devTools,parent,id,src,input';

function modelOf(actor: Fields): Model | undefined {
  const { options, mailbox } = actor;
  const keys = (object: object): string => Object.keys(object).join();
  const isDevelopment = raise.toString().includes('console.warn');
  // Isolated actors have two more, see `isolation.ts`.
  const isAsExpected =
    keys(actor).replace(/,subscribe,on$/, '') === fields &&
    keys(actor._actorScope) === ofScope &&
    keys(options) === ofOptions &&
    keys(mailbox) === fieldsOfMailbox;
  if (isDevelopment || !isAsExpected) return undefined;
  const { clock, logger, devTools } = options as Omit<Model, 'Mailbox'>;
  return { Mailbox: quietMailboxes(mailbox.constructor), clock, logger, devTools };
}

/** The first actor gets a mailbox like all others: one connection that goes another way has that way compiled, too. */
function makeQuiet(actor: Fields, { Mailbox }: Model): void {
  const { _current: first } = actor.mailbox as { readonly _current?: unknown };
  // What its own context has sent to it already stays where it is.
  if (first === null) actor.mailbox = new Mailbox(actor, actor.system);
}

/** A constructor by itself, as the prototype is to be XState's and no other. */
const Made = function made(
  this: Fields,
  { Mailbox, clock, logger, devTools }: Model,
  machine: AnyStateMachine,
  { parent, id, src, input }: MachineActorOptions,
): void {
  const system = parent.system as unknown as SystemInternals;
  reserveConnection(this);
  this.logic = machine;
  this._snapshot = undefined;
  this.clock = system._clock;
  this.options = { clock, logger, devTools, parent, id, src, input };
  this.id = id;
  this.mailbox = new Mailbox(this, parent.system);
  this.observers = new Set();
  this.eventListeners = new Map();
  this.logger = system._logger;
  this._processingStatus = 0;
  this._parent = parent;
  this._syncSnapshot = undefined;
  this.ref = this;
  this._actorScope = undefined as unknown as object;
  this.systemId = undefined;
  this.sessionId = system._bookId();
  this.system = parent.system;
  this._doneEvent = undefined;
  this.src = src;
  this._deferred = [];
  this._actorScope = scopeOf(this, system);
  this.send = this.send.bind(this);
  system._sendInspectionEvent({ type: '@xstate.actor', actorRef: this });
  this._initState();
} as unknown as new (model: Model, machine: AnyStateMachine, options: MachineActorOptions) => Actor<AnyStateMachine>;
Object.defineProperty(Made, 'prototype', { value: Actor.prototype });

function scopeOf(actor: Fields, system: SystemInternals): object {
  return {
    self: actor,
    id: actor.id,
    sessionId: actor.sessionId,
    logger: actor.logger,
    defer: (effect: () => void) => {
      actor._deferred.push(effect);
    },
    system,
    stopChild: (child: AnyActorRef) => {
      if (child._parent !== (actor as unknown)) {
        throw new Error(`Cannot stop child actor ${child.id} of ${actor.id} because it is not a child`);
      }
      (child as unknown as { _stop(): void })._stop();
    },
    emit: (emitted: { readonly type: string }) => emitTo(actor.eventListeners, emitted),
    actionExecutor: (action: Action) => {
      if (actor._processingStatus === RUNNING) execute(actor, system, action);
      else actor._deferred.push(() => execute(actor, system, action));
    },
  };
}

function execute(actor: Fields, system: SystemInternals, action: Action): void {
  const { type, params } = action;
  system._sendInspectionEvent({ type: '@xstate.action', actorRef: actor, action: { type, params } });
  action.exec?.(action.info, action.params);
}

function emitTo(listeners: Listeners, emitted: { readonly type: string }): void {
  const all = [...(listeners.get(emitted.type) ?? []), ...(listeners.get('*') ?? [])];
  for (const listener of all) {
    try {
      listener(emitted);
    } catch (error) {
      // As XState does it.
      setTimeout(() => {
        throw error;
      });
    }
  }
}
