/**
 * Every error that Troupe throws or reports: code, fields, message with remedy.
 *
 * `docs/errors.md` explains each; a test holds the two together in both
 * directions. Nothing of these messages ever reaches the remote side of a
 * connection.
 */

/** The catalogue: for each code, the fields of the error and its message. */
const catalogue = {
  TROUPE_ACTION_OUTSIDE_CONNECTION: (fields: { action: string }) =>
    `The action "${fields.action}" ran in an actor that no connection owns. ` +
    'Pass the machine to defineService({ machine }) so that Troupe starts it, one for each connection; ' +
    'shared state can do what serviceActions holds.',
  TROUPE_ADDRESS_IN_USE: (fields: { host: string; port: number }) =>
    `Port ${fields.port} on ${fields.host} is in use by another program. ` +
    'Stop that program, or listen on another port: listen({ port: 0 }) takes a free one.',
  TROUPE_ALREADY_INSTRUMENTED: (fields: { by: string }) =>
    `This Troupe is instrumented already, by ${fields.by}. ` +
    'What is counted twice is wrong: call what the first instrument() returned before instrumenting it again.',
  TROUPE_ALREADY_LISTENING: (fields: { state: string }) =>
    `listen() was called in the state "${fields.state}". A Troupe listens on one port, once; ` +
    'use attach(server) to serve further ports, or create another Troupe.',
  TROUPE_ANNOTATION_DUPLICATE: (fields: { annotation: string; className: string; method: string }) =>
    `@${fields.annotation} stands on more than one method of ${fields.className}; the second is "${fields.method}". ` +
    'Keep one and call the other from it.',
  TROUPE_ANNOTATION_MISPLACED: (fields: { annotation: string; expected: string; found: string }) =>
    `@${fields.annotation} belongs on ${fields.expected}, not on ${fields.found}.`,
  TROUPE_ARGUMENT_INVALID: (fields: { argument: string; expected: string; received: string }) =>
    `${fields.argument} must be ${fields.expected}, but is ${fields.received}.`,
  TROUPE_AUTH_NOT_DECLARED: (fields: { service: string }) =>
    `refreshAuth was called for a connection of service "${fields.service}", which has no authenticate. ` +
    'Give it one, so that there is an auth to refresh; what else a service remembers of a connection goes into attributes.',
  TROUPE_CHART_NOT_COMPILABLE: (fields: { chart: string; reason: string }) =>
    `The chart "${fields.chart}" cannot be compiled: ${fields.reason}. ` +
    'A compiled chart keeps to named actions and guards, without assign, after, always, invoke or spawn.',
  TROUPE_CLOSE_CODE_INVALID: (fields: { closeCode: number }) =>
    `${fields.closeCode} may not stand in a close frame. Use 1000 to 1003, 1007 to 1014, or 3000 to 4999.`,
  TROUPE_CLOSE_REASON_TOO_LONG: (fields: { bytes: number; maxBytes: number }) =>
    `The close reason has ${fields.bytes} UTF-8 bytes; a close frame holds at most ${fields.maxBytes}. Shorten it.`,
  TROUPE_CLOSED: (fields: { state: string }) =>
    `This Troupe is in the state "${fields.state}" and cannot be used any more. Create another one with createTroupe().`,
  TROUPE_EVENT_REFUSED: (fields: { actor: string }) =>
    `What was sent to the actor "${fields.actor}" is no event: its type must be a string, and neither "*" nor one of ` +
    "XState's own. To act on a connection, use its functions or actions, such as closeConnection.",
  TROUPE_HANDLER_UNSETTLED: (fields: { service: string; connection: string }) =>
    `A handler of service "${fields.service}" had not settled when the time to close its connection was over. ` +
    'It is no longer waited for; give what it awaits a time-out.',
  TROUPE_INSPECTOR_PATH_TAKEN: (fields: { service: string; route: string; path: string }) =>
    `Service "${fields.service}" claims the route ${fields.route}, which lies beneath the inspector at ${fields.path}. ` +
    'Change the path of one of them: createTroupe({ inspector: { path } }) says where the inspector is.',
  TROUPE_LISTEN_FAILED: (fields: { host: string; port: number; systemCode: string }) =>
    `Could not listen on ${fields.host}:${fields.port} (${fields.systemCode}). ` +
    'Check the address, and that this program may bind the port.',
  TROUPE_MACHINE_ASYNC: (fields: { machine: string; what: string }) =>
    `The ${fields.what} of machine "${fields.machine}" returned a promise, but must answer at once. ` +
    'Invoke fromPromise(...) for what takes time, and assign or guard with its result.',
  TROUPE_MACHINE_INVALID: (fields: { service: string; received: string }) =>
    `Service "${fields.service}" has as its machine ${fields.received}. ` +
    'Pass what createMachine() returns: serviceSetup().createMachine({...}) or setup().createMachine({...}).',
  TROUPE_MACHINE_UNFIT: (fields: { service: string; reason: string }) =>
    `The machine of service "${fields.service}" is none for it: ${fields.reason}. ` +
    'Correct what is mistyped, implement what is missing, or declare with the service what the machine was made for.',
  TROUPE_MESSAGE_INVALID: (fields: { message: string; reason: string }) =>
    `The outgoing message "${fields.message}" cannot be sent: ${fields.reason}. ` +
    'Send what its schema in defineMessages() describes, or change the schema.',
  TROUPE_MESSAGES_INVALID: (fields: { reason: string }) =>
    `These messages cannot be a service's: ${fields.reason}. ` +
    'Declare a Standard Schema for each type, defineMessages({ incoming: { say: z.object({...}) } }), and handle them.',
  TROUPE_MESSAGES_UNDECLARED: (fields: { service: string; function: string }) =>
    `${fields.function} was called on a connection of service "${fields.service}", which declares no messages. ` +
    'Pass messages: defineMessages({...}) to the service, or push text.',
  TROUPE_MODULE_UNLOADABLE: (fields: { module: string; reason: string }) =>
    `The module "${fields.module}" cannot be used: ${fields.reason}. ` +
    'Pass the path of a module that exports services; for one in TypeScript, install tsx beside it.',
  TROUPE_PARENT_NOT_ADDRESSABLE: (fields: { event: string }) =>
    `A machine sent "${fields.event}" to its parent, which is its connection and takes no events from a service. ` +
    'Use the actions of a connection, such as closeConnection.',
  TROUPE_PATH_INVALID: (fields: { service: string; path: string; reason: string }) =>
    `"${fields.path}" is no valid path for service "${fields.service}": ${fields.reason}. ` +
    'Write segments such as "/chat/{room}"; a parameter takes a whole segment and has a name of its own.',
  TROUPE_RECORDING_INVALID: (fields: { line: number; reason: string }) =>
    `This is no recording that can be replayed: line ${fields.line}, ${fields.reason}. ` +
    'Pass a complete file as the recorder of this version has written it.',
  TROUPE_RECORDING_UNWRITABLE: (fields: { folder: string; reason: string }) =>
    `A recording could not be written into ${fields.folder}: ${fields.reason}. ` +
    'Check that the folder can be made and written to, or name another one in recorder.onCrash.',
  TROUPE_REPLY_INVALID: (fields: { request: string; reason: string }) =>
    `The remote side answered the request "${fields.request}" with what its schema refuses: ${fields.reason}. ` +
    'Correct the remote program, or the schema.',
  TROUPE_REQUEST_ENDED: (fields: { request: string }) =>
    `The connection ended, or its service began anew, before the request "${fields.request}" was answered. ` +
    'Uncaught in a handler it is no failure; catch it where something has to be undone.',
  TROUPE_REQUEST_REFUSED: (fields: { request: string; answer: string }) =>
    `The remote side answered the request "${fields.request}" with the error "${fields.answer}". ` +
    'Catch it and decide what follows.',
  TROUPE_REQUEST_TIMED_OUT: (fields: { request: string; timeoutMs: number }) =>
    `The request "${fields.request}" was not answered within ${fields.timeoutMs} ms. ` +
    'Catch it and decide what follows, or allow more time: request(message, { timeoutMs }).',
  TROUPE_REQUEST_UNSENT: (fields: { request: string; status: string }) =>
    `The request "${fields.request}" was not sent: ${fields.status}. ` +
    'The connection is closing or reads too slowly; ask again when it has recovered.',
  TROUPE_REQUESTS_EXCEEDED: (fields: { request: string; maxRequests: number }) =>
    `The request "${fields.request}" was not sent: ${fields.maxRequests} others to the same connection still wait. ` +
    'Await them, or raise maxRequests in defineMessages().',
  TROUPE_ROUTE_TAKEN: (fields: { route: string; service: string; otherService: string }) =>
    `Services "${fields.service}" and "${fields.otherService}" both claim the route ${fields.route}. ` +
    'Change the path of one, or call replaceService() to put one in the place of the other.',
  TROUPE_SCHEMA_ASYNC: (fields: { message: string }) =>
    `The schema of "${fields.message}" answered with a promise, but a message is pushed at once. ` +
    'Make the schema of what is sent synchronous, and check beforehand what takes time.',
  TROUPE_SCHEMA_UNCONVERTIBLE: (fields: { message: string; vendor: string; reason: string }) =>
    `The schema of "${fields.message}" (${fields.vendor}) cannot be made a JSON Schema: ${fields.reason}. ` +
    'Describe what JSON holds, an ISO date as text for example, or use a library that follows Standard JSON Schema.',
  TROUPE_SERVICE_AMBIGUOUS: (fields: { service: string; handler: string }) =>
    `Service "${fields.service}" has both a machine and the handler ${fields.handler}. ` +
    'Keep one: a machine handles every event itself.',
  TROUPE_SERVICE_NAME_TAKEN: (fields: { service: string; route: string; otherRoute: string }) =>
    `Two services are named "${fields.service}": the ones at ${fields.route} and ${fields.otherRoute}. ` +
    'Give one of them another `name`.',
  TROUPE_SERVICE_NOT_DEFINED: (fields: { received: string }) =>
    `${fields.received} is no service. Pass what defineService({...}) returns, or a class annotated with ` +
    '@BasePath or @WebSocketUpgradePath.',
  TROUPE_SERVICE_UNKNOWN: (fields: { service: string; registered: readonly string[] }) =>
    `Service "${fields.service}" is not registered. Registered: ${list(fields.registered)}. ` +
    'Pass it in createTroupe({ services }) or to attachService().',
  TROUPE_SERVICE_WITHOUT_BEHAVIOUR: (fields: { service: string }) =>
    `Service "${fields.service}" handles nothing. Give it a handler such as onTextMessage, ` +
    'an annotated method such as @OnTextMessage(), or a machine.',
  TROUPE_SHARED_UNDECLARED: (fields: { service: string }) =>
    `Service "${fields.service}" has no shared state. ` +
    'Pass shared: logic to defineService(), a machine or fromTransition(...) for example.',
  TROUPE_SYSTEM_ID_REFUSED: (fields: { systemId: string }) =>
    `An actor of a machine asks for the systemId "${fields.systemId}". All connections share one actor system, in which ` +
    'it could be given only once. Leave it out, and address the actor by its `id`.',
} as const;

type Catalogue = typeof catalogue;

/** The code of an error: stable, to be compared instead of messages. */
export type ErrorCode = keyof Catalogue;

/** The typed fields of the error with that code. */
export type ErrorFields<Code extends ErrorCode> = Parameters<Catalogue[Code]>[0];

/** All codes, for documentation and tests. */
export const errorCodes = Object.freeze(Object.keys(catalogue)) as readonly ErrorCode[];

/** The arguments of an error's constructor: a code with the fields that belong to it. */
type ErrorArguments = { [Code in ErrorCode]: [code: Code, fields: ErrorFields<Code>] }[ErrorCode];

function messageOf(...[code, fields]: ErrorArguments): string {
  return (catalogue[code] as (fields: ErrorFields<ErrorCode>) => string)(fields);
}

/**
 * An error of Troupe.
 *
 * `code` is stable; `fields` holds what the message was made of. The two kinds
 * of wrong calls are {@link TroupeTypeError} and {@link TroupeRangeError}, which
 * are a `TypeError` and a `RangeError` and carry the same members.
 *
 * @example
 * ```ts
 * import { createTroupe, TroupeError } from 'troupe';
 *
 * const troupe = createTroupe({ services: [] });
 * try {
 *   await troupe.listen({ port: 80 });
 * } catch (error) {
 *   if (error instanceof TroupeError && error.code === 'TROUPE_ADDRESS_IN_USE') process.exitCode = 1;
 *   else throw error;
 * }
 * ```
 */
export class TroupeError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields<ErrorCode>;

  constructor(...[code, fields, options]: [...ErrorArguments, options?: { readonly cause?: unknown }]) {
    super(
      messageOf(...([code, fields] as ErrorArguments)),
      options?.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'TroupeError';
    this.code = code;
    this.fields = fields;
  }
}

/** A call with an argument of the wrong type: a programming error, thrown at the call. */
export class TroupeTypeError extends TypeError {
  readonly code: ErrorCode;
  readonly fields: ErrorFields<ErrorCode>;

  constructor(...[code, fields]: ErrorArguments) {
    super(messageOf(...([code, fields] as ErrorArguments)));
    this.name = 'TroupeTypeError';
    this.code = code;
    this.fields = fields;
  }
}

/** A call with a value out of range, a close code that may not be sent for example. */
export class TroupeRangeError extends RangeError {
  readonly code: ErrorCode;
  readonly fields: ErrorFields<ErrorCode>;

  constructor(...[code, fields]: ErrorArguments) {
    super(messageOf(...([code, fields] as ErrorArguments)));
    this.name = 'TroupeRangeError';
    this.code = code;
    this.fields = fields;
  }
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
