/** How a program says what a service is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { TroupeError } from '../errors.ts';
import { checkOptions as checkKeys, describe, wrongType } from '../arguments.ts';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AuthOf } from './auth.ts';
import type { Connection } from './connection.ts';
import type { MessageConnection, Replying } from './message-connection.ts';
import { checkMessageHandlers } from './message-rules.ts';
import type { AnyMessages, MessageIn } from './message-types.ts';
import type { CompressionOptions } from './compression.ts';
import {
  handshakeKeys,
  handshakeRules,
  type AnyHandshakeOptions,
  type HandshakeOptions,
  type HandshakeRules,
  type OutputOf,
} from './handshake.ts';
import { isMachine, type ServiceMachineInput } from './machine.ts';
import type { Fitting } from './machine-fit.ts';
import { checkMachine } from './machine-rules.ts';
import { checkServiceOptions } from './option-checks.ts';
import { parseRoute, type PathParams, type Route } from './path.ts';
import type { ServiceLimits } from './limits.ts';
import type { RecorderOptions } from './recorder.ts';
import { sharedRules, type SharedDeclaration, type SharedOf, type SharedRules } from './shared.ts';
import type { SupervisionOptions } from './supervision.ts';

/** A handler of plain HTTP requests, as `node:http` knows it. */
export type HttpListener = (request: IncomingMessage, response: ServerResponse) => void;

/** What every form of service has in common. */
export interface ServiceOptions {
  /** How the service is called from outside and in messages. @defaultValue its route, `/chat/{room}` for example */
  readonly name?: string;
  /** The subprotocols that the service speaks. The first of the client's that is among them is chosen. */
  readonly subprotocols?: readonly string[];
  /** Whether an upgrade without a common subprotocol is refused with 400. @defaultValue false */
  readonly subprotocolRequired?: boolean;
  /** Origins, such as `https://app.example`, that browsers may connect from beside the server's own; `'*'` for all. */
  readonly allowedOrigins?: '*' | readonly string[];
  /** Limits that differ from the server's. */
  readonly limits?: Partial<ServiceLimits>;
  /**
   * Whether messages are compressed for those that ask for it; overrides the server's `compression`. Do not compress
   * a secret together with text that a stranger chooses: the length would tell of the secret. @defaultValue false
   */
  readonly compression?: boolean | CompressionOptions;
  /** What follows when its code fails. @defaultValue the connection is closed with 1011, and nothing else */
  readonly supervision?: SupervisionOptions;
  /** Keeps the latest events of each connection, to replay them after a crash. @defaultValue none: it costs nothing */
  readonly recorder?: RecorderOptions;
  /** Answers plain HTTP requests on the base path and below it. It must not throw; if it does, the answer is 500. */
  readonly http?: HttpListener;
}

/** What a service says of its messages. */
export interface MessagesOption {
  /** The messages that text frames hold, as `defineMessages` returns them. Without them, text is handled as it is. */
  readonly messages?: AnyMessages | undefined;
}

/** Where a service is: at `basePath` + `webSocketUpgradePath`. */
export interface ServicePath<Base extends string, Upgrade extends string> {
  /** @defaultValue '/' */
  readonly basePath?: Base;
  /** Any number of segments; `{room}` is a parameter. @defaultValue '/' */
  readonly webSocketUpgradePath?: Upgrade;
}

/**
 * What a service does, as handlers.
 *
 * Each may be async. No message is handled before `onOpen` has settled, and none
 * before the handler of the one before it has. A handler that throws or rejects
 * ends its connection with 1011 and nothing else; the remote side learns nothing
 * of the error.
 */
export interface Handlers<
  Params,
  Auth = unknown,
  Query = URLSearchParams,
  Its extends Connection<Params, Auth, Query> = Connection<Params, Auth, Query>,
> {
  /** A connection was opened. It is a member of the service already and receives its own broadcast. */
  onOpen?(connection: Its): unknown;
  onTextMessage?(connection: Its, text: string): unknown;
  /** The bytes are the handler's to keep. */
  onBinaryMessage?(connection: Its, data: Uint8Array): unknown;
  /** The connection has ended and is out of everything; runs exactly once. */
  onClose?(connection: Its, info: { readonly code: number; readonly reason: string }): unknown;
  /** A handler failed, or the remote side broke the protocol; the connection is being closed. Runs beside a handler. */
  onError?(connection: Its, error: unknown): unknown;
  /** No message was received for `idleTimeoutMs`. */
  onIdle?(connection: Its): unknown;
  /** A name of this connection now belongs to another one. */
  onReplaced?(connection: Its, info: { readonly name: string }): unknown;
  /** The service or the server is about to stop. */
  onDraining?(connection: Its): unknown;
  /** `connection.auth` expires soon, at `expiresAt` (ms since 1970); `connection.refreshAuth` puts another in its place. */
  onAuthExpiring?(connection: Its, info: { readonly expiresAt: number }): unknown;
  /** Another `auth` was put in place, by `refreshAuth` or `reauthenticate`; it holds until `expiresAt`, if it ends. */
  onAuthRenewed?(connection: Its, info: { readonly auth: Auth; readonly expiresAt: number | undefined }): unknown;
}

/** What a service does that declares messages, as handlers. */
export interface MessageHandlers<
  Params,
  M extends AnyMessages,
  Auth = unknown,
  Query = URLSearchParams,
  SharedState = unknown,
> extends Handlers<Params, Auth, Query, MessageConnection<M, Params, Auth, Query, SharedState>> {
  readonly messages: M;
  /**
   * A declared message was received. What it returns is the reply, when the message is a request that asks for one. It
   * refuses by throwing `messages.refusal(code)`; anything else that it throws ends the connection with 1011.
   */
  onMessage?(connection: MessageConnection<M, Params, Auth, Query, SharedState>, message: MessageIn<M>): Replying<M>;
}

/** What a service does, as a state machine: one actor for each connection. */
export interface MachineBehaviour<Machine extends AnyStateMachine = AnyStateMachine> {
  /** Made with `serviceSetup()` or XState's `setup()`. Its final state closes the connection with 1000. */
  readonly machine: Machine;
}

export const handlerNames = [
  'onOpen',
  'onTextMessage',
  'onBinaryMessage',
  'onMessage',
  'onClose',
  'onError',
  'onIdle',
  'onReplaced',
  'onDraining',
  'onAuthExpiring',
  'onAuthRenewed',
] as const;

export type HandlerName = (typeof handlerNames)[number];

/** @internal Options of any service, before they are checked. */
export type AnyOptions = ServiceOptions & MessagesOption & AnyHandshakeOptions & { readonly shared?: unknown };

/** Handlers of any service. */
type AnyHandlers = Handlers<Readonly<Record<string, string>>> & { readonly onMessage?: unknown };

/** The behaviour of a service in one of the three forms. */
export type Behaviour =
  | { readonly form: 'handlers'; readonly handlers: AnyHandlers }
  | {
      readonly form: 'class';
      readonly construct: new () => object;
      /** For each handler, the name of the annotated method. */
      readonly methods: ReadonlyMap<HandlerName, string | symbol>;
    }
  | { readonly form: 'machine'; readonly machine: AnyStateMachine };

/** A service, ready to be registered. Made by {@link defineService} or from an annotated class. */
export interface ServiceDefinition {
  readonly name: string;
  readonly route: Route;
  readonly basePath: Route;
  readonly behaviour: Behaviour;
  readonly options: Omit<ServiceOptions, 'name'> & MessagesOption;
  /** What it asks of a handshake; undefined: nothing, and upgrades are answered at once. */
  readonly handshake: HandshakeRules | undefined;
  /** What its connections share; undefined: nothing. */
  readonly shared: SharedRules | undefined;
}

const definitions = new WeakSet<ServiceDefinition>();

/** @internal Whether `value` was made by this module. */
export function isServiceDefinition(value: unknown): value is ServiceDefinition {
  return typeof value === 'object' && value !== null && definitions.has(value as ServiceDefinition);
}

/**
 * Defines a service from handlers or from a state machine.
 *
 * Registers nothing: pass the result in `createTroupe({ services })` or to
 * `attachService`. One definition may be used in several Troupes.
 *
 * @throws {TroupeError} `TROUPE_PATH_INVALID`, `TROUPE_SERVICE_WITHOUT_BEHAVIOUR`, `TROUPE_MACHINE_INVALID`,
 *   `TROUPE_MACHINE_UNFIT`
 * @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID`
 *
 * @example
 * ```ts
 * import { defineService } from 'troupe';
 *
 * export const hello = defineService({
 *   basePath: '/test',
 *   webSocketUpgradePath: '/websocket',
 *   onOpen(connection) {
 *     connection.broadcastText('someone joined');
 *   },
 *   onTextMessage(connection, text) {
 *     connection.pushText(text);
 *   },
 * });
 * ```
 *
 * Source: the seed, "Defining a WebSocket service".
 */
export function defineService<
  Machine extends AnyStateMachine,
  const Base extends string = '',
  const Upgrade extends string = '',
  ParamsSchema extends StandardSchemaV1 | undefined = undefined,
  QuerySchema extends StandardSchemaV1 | undefined = undefined,
  Result = undefined,
  Messages extends AnyMessages | undefined = undefined,
  SharedLogic extends AnyActorLogic | undefined = undefined,
>(
  definition: ServicePath<Base, Upgrade> &
    ServiceOptions & { readonly messages?: Messages } & SharedDeclaration<SharedLogic> &
    HandshakeOptions<PathParams<`${Base}/${Upgrade}`>, ParamsSchema, QuerySchema, Result> &
    MachineBehaviour<
      Machine &
        Fitting<
          Machine,
          ServiceMachineInput<
            AuthOf<Result>,
            OutputOf<ParamsSchema, PathParams<`${Base}/${Upgrade}`>>,
            OutputOf<QuerySchema, undefined>,
            SharedOf<SharedLogic>,
            Messages
          >,
          Messages
        >
    >,
): ServiceDefinition;
export function defineService<
  const Base extends string = '',
  const Upgrade extends string = '',
  ParamsSchema extends StandardSchemaV1 | undefined = undefined,
  QuerySchema extends StandardSchemaV1 | undefined = undefined,
  Result = undefined,
  SharedLogic extends AnyActorLogic | undefined = undefined,
>(
  definition: ServicePath<Base, Upgrade> &
    ServiceOptions & { readonly messages?: undefined } & SharedDeclaration<SharedLogic> &
    HandshakeOptions<PathParams<`${Base}/${Upgrade}`>, ParamsSchema, QuerySchema, Result> &
    Handlers<
      OutputOf<ParamsSchema, PathParams<`${Base}/${Upgrade}`>>,
      AuthOf<Result>,
      OutputOf<QuerySchema, URLSearchParams>,
      Connection<
        OutputOf<ParamsSchema, PathParams<`${Base}/${Upgrade}`>>,
        AuthOf<Result>,
        OutputOf<QuerySchema, URLSearchParams>,
        SharedOf<SharedLogic>
      >
    >,
): ServiceDefinition;
export function defineService<
  M extends AnyMessages,
  const Base extends string = '',
  const Upgrade extends string = '',
  ParamsSchema extends StandardSchemaV1 | undefined = undefined,
  QuerySchema extends StandardSchemaV1 | undefined = undefined,
  Result = undefined,
  SharedLogic extends AnyActorLogic | undefined = undefined,
>(
  definition: ServicePath<Base, Upgrade> &
    ServiceOptions &
    SharedDeclaration<SharedLogic> &
    HandshakeOptions<PathParams<`${Base}/${Upgrade}`>, ParamsSchema, QuerySchema, Result> &
    MessageHandlers<
      OutputOf<ParamsSchema, PathParams<`${Base}/${Upgrade}`>>,
      M,
      AuthOf<Result>,
      OutputOf<QuerySchema, URLSearchParams>,
      SharedOf<SharedLogic>
    >,
): ServiceDefinition;
export function defineService(
  definition: ServicePath<string, string> & AnyOptions & Partial<MachineBehaviour> & AnyHandlers,
): ServiceDefinition {
  if (typeof definition !== 'object' || definition === null) {
    throw new TroupeError('TROUPE_SERVICE_NOT_DEFINED', { received: describe(definition) });
  }
  checkKeys('definition', definition, definitionKeys);
  const { basePath = '', webSocketUpgradePath = '', machine, ...rest } = definition;
  return buildDefinition(basePath, webSocketUpgradePath, rest, (service) => {
    if ('machine' in definition) {
      const handler = handlerNames.find((name) => definition[name] !== undefined);
      if (handler !== undefined) throw new TroupeError('TROUPE_SERVICE_AMBIGUOUS', { service, handler });
      if (!isMachine(machine)) {
        throw new TroupeError('TROUPE_MACHINE_INVALID', { service, received: describe(machine) });
      }
      return { form: 'machine', machine };
    }
    for (const name of handlerNames) {
      const handler: unknown = definition[name];
      if (handler !== undefined && typeof handler !== 'function') throw wrongType(name, 'a function', handler);
    }
    if (handlerNames.every((name) => definition[name] === undefined)) {
      throw new TroupeError('TROUPE_SERVICE_WITHOUT_BEHAVIOUR', { service });
    }
    return { form: 'handlers', handlers: definition };
  });
}

const optionKeys = [
  'name',
  'subprotocols',
  'subprotocolRequired',
  'allowedOrigins',
  'limits',
  'compression',
  'supervision',
  'recorder',
  'http',
  ...handshakeKeys,
  'messages',
  'shared',
] as const;
const definitionKeys = ['basePath', 'webSocketUpgradePath', ...optionKeys, ...handlerNames, 'machine'] as const;

/** @internal What the forms have in common. */
export function buildDefinition(
  basePath: string,
  webSocketUpgradePath: string,
  options: AnyOptions,
  behaviourOf: (service: string) => Behaviour,
): ServiceDefinition {
  if (typeof basePath !== 'string') throw wrongType('basePath', 'a string', basePath);
  if (typeof webSocketUpgradePath !== 'string') {
    throw wrongType('webSocketUpgradePath', 'a string', webSocketUpgradePath);
  }
  checkServiceOptions(options);
  const handshake = handshakeRules(options);
  const label = options.name ?? `${basePath}${webSocketUpgradePath}`;
  const route = parseRoute(label, basePath, webSocketUpgradePath);
  const {
    subprotocols,
    subprotocolRequired,
    allowedOrigins,
    limits,
    compression,
    supervision,
    recorder,
    http,
    messages,
  } = options;
  const name = options.name ?? route.path;
  const behaviour = behaviourOf(name);
  checkMessageHandlers(name, messages, behaviour);
  if (behaviour.form === 'machine') checkMachine(name, behaviour.machine, messages);
  const definition: ServiceDefinition = Object.freeze({
    name,
    route,
    basePath: parseRoute(label, basePath),
    behaviour,
    options: {
      ...(subprotocols !== undefined && { subprotocols }),
      ...(subprotocolRequired !== undefined && { subprotocolRequired }),
      ...(allowedOrigins !== undefined && { allowedOrigins }),
      ...(limits !== undefined && { limits }),
      ...(compression !== undefined && { compression }),
      ...(supervision !== undefined && { supervision }),
      ...(recorder !== undefined && { recorder }),
      ...(http !== undefined && { http }),
      ...(messages !== undefined && { messages }),
    },
    handshake,
    shared: sharedRules(options.shared),
  });
  definitions.add(definition);
  return definition;
}
