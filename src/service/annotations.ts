/**
 * Services as annotated classes, the seed's form.
 *
 * The annotations are standard decorators. They only write down what they stand
 * on; `definitionOf` reads it when the class is registered. Each connection gets
 * an instance of its own, so fields are the state of one connection.
 *
 * Source: the seed, "Defining a WebSocket service in Ballerina".
 */
import { TroupeError } from '../errors.ts';
import { describe } from '../arguments.ts';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyActorLogic } from 'xstate';
import type { Connection } from './connection.ts';
import {
  buildDefinition,
  isServiceDefinition,
  type AnyOptions,
  type HandlerName,
  type MessagesOption,
  type ServiceDefinition,
  type ServiceOptions,
} from './definition.ts';
import type { HandshakeOptions, HandshakeRequest } from './handshake.ts';
import type { MessageConnection, MessageFunctions } from './message-connection.ts';
import type { AnyMessages, MessageIn } from './message-types.ts';
import type { SharedDeclaration } from './shared.ts';

// Compilers hand over `context.metadata` only where this symbol exists; Node 20 and 22 do not define it yet.
(Symbol as { metadata?: symbol }).metadata ??= Symbol.for('Symbol.metadata');

interface Annotations {
  basePath?: string;
  webSocketUpgradePath?: string;
  options?: AnyOptions;
  /** The static method that authenticates. */
  authenticate?: { method: string | symbol; annotation: string };
  messages?: AnyMessages;
  methods: Map<HandlerName, { method: string | symbol; annotation: string }>;
}

const KEY = Symbol('troupe.annotations');

type Metadata = { [KEY]?: Annotations } | undefined;

/** A class that may be registered as a service. */
export type ServiceClass = abstract new (...args: never[]) => object;

type ClassAnnotation = (target: ServiceClass, context: ClassDecoratorContext) => void;
type MethodAnnotation<Args extends readonly unknown[]> = <This extends object>(
  method: (this: This, ...args: Args) => unknown,
  context: ClassMethodDecoratorContext<This>,
) => void;

/** The base path of the service, `@http:BasePath` of the seed. */
export function BasePath(path: string): ClassAnnotation {
  return (_target, context) => {
    annotationsOf('BasePath', 'a class', context).basePath = path;
  };
}

/** The path below the base path at which the service accepts upgrades, `@ws:WebSocketUpgradePath` of the seed. */
export function WebSocketUpgradePath(path: string): ClassAnnotation {
  return (_target, context) => {
    annotationsOf('WebSocketUpgradePath', 'a class', context).webSocketUpgradePath = path;
  };
}

/**
 * Name, subprotocols, limits, what is asked of a handshake, and the other options of the service. A subclass inherits
 * those that it does not give itself.
 */
export function ServiceConfig<
  ParamsSchema extends StandardSchemaV1 | undefined = undefined,
  QuerySchema extends StandardSchemaV1 | undefined = undefined,
  Result = unknown,
  SharedLogic extends AnyActorLogic | undefined = undefined,
>(
  options: ServiceOptions &
    MessagesOption &
    SharedDeclaration<SharedLogic> &
    HandshakeOptions<Readonly<Record<string, string>>, ParamsSchema, QuerySchema, Result>,
): ClassAnnotation {
  return (_target, context) => {
    const annotations = annotationsOf('ServiceConfig', 'a class', context);
    // One by one: a subclass that sets a limit must not lose the authentication of its base class.
    annotations.options = { ...annotations.options, ...(options as AnyOptions) };
    if (options.authenticate === undefined || annotations.authenticate === undefined) return;
    const { method, annotation } = annotations.authenticate;
    if (annotation !== 'inherited') throw duplicate(annotation, method);
    delete annotations.authenticate;
  };
}

/**
 * The static method says who a handshake comes from: it is `authenticate` of {@link HandshakeOptions}.
 *
 * Static, as there is no instance of the class before there is a connection. `Params` and `Query` are what the schemas
 * of the service, given to `ServiceConfig`, make of path and query.
 */
export function Authenticate<Params = Readonly<Record<string, string>>, Query = URLSearchParams>(): <
  This extends abstract new (...args: never[]) => object,
>(
  method: (this: This, request: HandshakeRequest<Params, Query>) => unknown,
  context: ClassMethodDecoratorContext<This>,
) => void {
  return (_method, context) => {
    const annotation = 'Authenticate';
    const annotations = annotationsOf(annotation, 'a public static method', context);
    const { name: method } = context;
    if (annotations.authenticate?.annotation === annotation && annotations.authenticate.method !== method) {
      throw duplicate(annotation, method);
    }
    annotations.authenticate = { method, annotation };
  };
}

/** The connection of any service: what `params`, `auth` and `query` are, and which messages it has, a method says. */
type AnyConnection = Connection<never, never, never, never> & MessageFunctions<never>;

/** The method is called when a connection was opened. */
export const OnOpen = methodAnnotation<[connection: AnyConnection]>('OnOpen', 'onOpen');
/** The method is called for each text message. */
export const OnTextMessage = methodAnnotation<[connection: AnyConnection, text: string]>(
  'OnTextMessage',
  'onTextMessage',
);
/** The method is called for each binary message. */
export const OnBinaryMessage = methodAnnotation<[connection: AnyConnection, data: Uint8Array]>(
  'OnBinaryMessage',
  'onBinaryMessage',
);
const onMessage = methodAnnotation<never[]>('OnMessage', 'onMessage');

/**
 * The method is called for each declared message; what it returns is the reply, when a reply is asked for.
 *
 * With `messages` the method's parameters are checked, and the class need not declare them elsewhere; without, they are
 * those of `@ServiceConfig({ messages })`.
 *
 * @throws {TroupeError} `TROUPE_MESSAGES_INVALID`, when the class is registered and declares others as well
 */
export function OnMessage<M extends AnyMessages>(
  messages: M,
): MethodAnnotation<[connection: MessageConnection<M, never, never, never, never>, message: MessageIn<M>]>;
export function OnMessage(): MethodAnnotation<[connection: never, message: never]>;
export function OnMessage(messages?: AnyMessages): MethodAnnotation<never[]> {
  return (method, context) => {
    onMessage()(method, context);
    if (messages !== undefined)
      annotationsOf('OnMessage', 'a public method of an instance', context).messages = messages;
  };
}
/** The method is called once, when the connection has ended. */
export const OnClose = methodAnnotation<
  [connection: AnyConnection, info: { readonly code: number; readonly reason: string }]
>('OnClose', 'onClose');
/** The method is called when a handler failed or the remote side broke the protocol. */
export const OnError = methodAnnotation<[connection: AnyConnection, error: unknown]>('OnError', 'onError');
/** The method is called when no message was received for `idleTimeoutMs`. */
export const OnIdle = methodAnnotation<[connection: AnyConnection]>('OnIdle', 'onIdle');
/** The method is called when a name of the connection now belongs to another one. */
export const OnReplaced = methodAnnotation<[connection: AnyConnection, info: { readonly name: string }]>(
  'OnReplaced',
  'onReplaced',
);
/** The method is called when the service or the server is about to stop. */
export const OnDraining = methodAnnotation<[connection: AnyConnection]>('OnDraining', 'onDraining');
/** The method is called when `connection.auth` expires soon, at `expiresAt` (ms since 1970). */
export const OnAuthExpiring = methodAnnotation<[connection: AnyConnection, info: { readonly expiresAt: number }]>(
  'OnAuthExpiring',
  'onAuthExpiring',
);
/** The method is called when another `auth` was put in place; it holds until `expiresAt` (ms since 1970), if it ends. */
export const OnAuthRenewed = methodAnnotation<
  [connection: AnyConnection, info: { readonly auth: never; readonly expiresAt: number | undefined }]
>('OnAuthRenewed', 'onAuthRenewed');

function methodAnnotation<Args extends readonly unknown[]>(
  annotation: string,
  handler: HandlerName,
): () => MethodAnnotation<Args> {
  return () => (_method, context) => {
    const { methods } = annotationsOf(annotation, 'a public method of an instance', context);
    if (methods.get(handler)?.annotation === annotation && methods.get(handler)?.method !== context.name) {
      throw duplicate(annotation, context.name);
    }
    methods.set(handler, { method: context.name, annotation });
  };
}

function duplicate(annotation: string, method: string | symbol): TroupeError {
  return new TroupeError('TROUPE_ANNOTATION_DUPLICATE', { annotation, className: 'its class', method: String(method) });
}

/** What the annotations read of a decorator's context. */
interface AnnotatedPlace {
  readonly kind: string;
  readonly name: string | symbol | undefined;
  readonly static?: boolean;
  readonly private?: boolean;
  readonly metadata: unknown;
}

/** What was written down for the class so far, its own copy of what it inherits. */
function annotationsOf(annotation: string, expected: string, context: AnnotatedPlace): Annotations {
  // Without standard decorators the second argument is a property name or missing.
  if (typeof context !== 'object' || context === null || !('kind' in context)) {
    throw new TroupeError('TROUPE_ANNOTATION_MISPLACED', {
      annotation,
      expected: `${expected}, compiled with standard decorators (remove "experimentalDecorators")`,
      found: 'a legacy decorator position',
    });
  }
  const fits =
    expected === 'a class'
      ? context.kind === 'class'
      : context.kind === 'method' &&
        (context.static === true) === (expected === 'a public static method') &&
        context.private !== true;
  if (!fits) {
    const found = `the ${context.static === true ? 'static ' : ''}${context.kind} "${String(context.name)}"`;
    throw new TroupeError('TROUPE_ANNOTATION_MISPLACED', { annotation, expected, found });
  }
  const metadata = context.metadata as Metadata;
  if (metadata === undefined) {
    throw new TroupeError('TROUPE_ANNOTATION_MISPLACED', {
      annotation,
      expected: `${expected}, compiled with decorator metadata (TypeScript 5.2 or later, esbuild 0.21 or later)`,
      found: 'a class without metadata',
    });
  }
  if (!Object.hasOwn(metadata, KEY)) {
    const inherited = metadata[KEY];
    const { authenticate } = inherited ?? {};
    metadata[KEY] = {
      ...inherited,
      ...(authenticate !== undefined && { authenticate: { ...authenticate, annotation: 'inherited' } }),
      methods: new Map(),
    };
    for (const [handler, { method }] of inherited?.methods ?? []) {
      metadata[KEY].methods.set(handler, { method, annotation: 'inherited' });
    }
  }
  return metadata[KEY]!;
}

/**
 * The definition that the annotations of a class make; a definition is its own.
 *
 * @throws {TroupeError} `TROUPE_SERVICE_NOT_DEFINED` when `value` is no annotated class.
 */
export function definitionOf(value: unknown): ServiceDefinition {
  if (isServiceDefinition(value)) return value;
  const known = typeof value === 'function' ? definitionsByClass.get(value) : undefined;
  if (known !== undefined) return known;
  const annotations = typeof value === 'function' ? metadataOf(value)?.[KEY] : undefined;
  if (annotations?.basePath === undefined && annotations?.webSocketUpgradePath === undefined) {
    throw new TroupeError('TROUPE_SERVICE_NOT_DEFINED', { received: describe(value) });
  }
  const { basePath = '', webSocketUpgradePath = '', methods } = annotations;
  const given = optionsOf(value as AuthenticatingClass, annotations);
  const { messages = given.messages } = annotations;
  if (given.messages !== undefined && given.messages !== messages) {
    const reason = '@OnMessage(messages) and @ServiceConfig({ messages }) name different ones';
    throw new TroupeError('TROUPE_MESSAGES_INVALID', { reason });
  }
  const definition = buildDefinition(basePath, webSocketUpgradePath, { ...given, messages }, (service) => {
    if (methods.size === 0) throw new TroupeError('TROUPE_SERVICE_WITHOUT_BEHAVIOUR', { service });
    return {
      form: 'class',
      construct: value as new () => object,
      methods: new Map([...methods].map(([handler, { method }]) => [handler, method])),
    };
  });
  definitionsByClass.set(value as object, definition);
  return definition;
}

type AuthenticatingClass = Readonly<Record<string | symbol, (request: unknown) => unknown>>;

/** The options, with the static method that authenticates among them: it is later than an option that is inherited. */
function optionsOf(target: AuthenticatingClass, { options = {}, authenticate }: Annotations): AnyOptions {
  if (authenticate === undefined) return options;
  return { ...options, authenticate: (request: unknown) => target[authenticate.method]!(request) };
}

const definitionsByClass = new WeakMap<object, ServiceDefinition>();

function metadataOf(target: object): Metadata {
  return (target as { [Symbol.metadata]?: Metadata })[Symbol.metadata];
}
