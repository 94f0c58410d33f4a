/**
 * Declares the messages of a service: JSON objects, one in each text frame, told apart by a field.
 *
 * Source: Standard Schema (https://standardschema.dev), which schemas of many libraries follow.
 */
import { TroupeError } from '../errors.ts';
import { checkCount, checkOptions, describe, wrongType } from '../arguments.ts';
import { ERROR, MessageCodec, REPLY } from './message-codec.ts';
import type {
  AnyMessages,
  DirectionDeclarations,
  MessageDeclarations,
  MessageOut,
  RefusalCode,
} from './message-types.ts';

/** The messages of a service, ready to be passed to `defineService({ messages })`. */
export interface Messages<Declarations extends MessageDeclarations> {
  /** As they were passed. */
  readonly declarations: Declarations;
  /**
   * An outgoing message as the text of a frame, for functions that take text: `troupe.pushTextToGroup('lobby',
   * messages.encode({ type: 'said', text: 'hi' }))`.
   * @throws {TroupeTypeError} `TROUPE_MESSAGE_INVALID` when it is not declared or fails its schema
   */
  encode(message: MessageOut<{ readonly declarations: Declarations }>): string;
  /**
   * An error for a handler to throw: the remote side gets the declared text, and the connection goes on. Anything else
   * that a handler throws ends its connection with 1011.
   */
  refusal(code: RefusalCode<{ readonly declarations: Declarations }>): MessageRefusal;
}

/** Thrown by a handler: the message is refused with a declared code, and the connection goes on. */
export class MessageRefusal extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.name = 'MessageRefusal';
    this.code = code;
  }
}

const codecs = new WeakMap<object, MessageCodec>();

/** @internal What reads and writes these messages. */
export function codecOf(messages: AnyMessages): MessageCodec {
  return codecs.get(messages)!;
}

/** @internal */
export function isMessages(value: unknown): value is AnyMessages {
  return typeof value === 'object' && value !== null && codecs.has(value);
}

/**
 * Declares the messages that a service takes and sends, each with a schema of its fields.
 *
 * Schemas are of any library that follows Standard Schema: zod, valibot and ArkType are tested. They describe the
 * fields without the type, which is the key. `{ message, reply }` in the place of a schema declares a request. Schemas
 * of incoming messages and of replies from the remote side may be asynchronous, those of what is sent may not.
 *
 * A message that fails never reaches the service. One that the service sends is checked as well, always: what is sent
 * is what the schema makes of it, without fields that it does not know where it leaves them out.
 *
 * @throws {TroupeError} `TROUPE_MESSAGES_INVALID`
 * @throws {TroupeTypeError | TroupeRangeError} `TROUPE_ARGUMENT_INVALID`
 *
 * @example
 * ```ts
 * import { z } from 'zod';
 * import { defineMessages, defineService } from 'troupe';
 *
 * const messages = defineMessages({
 *   incoming: {
 *     say: z.object({ text: z.string().max(500) }),
 *     add: { message: z.object({ a: z.number(), b: z.number() }), reply: z.number() },
 *   },
 *   outgoing: { said: z.object({ text: z.string() }) },
 *   errors: { quiet: 'Nobody speaks at night.' },
 * });
 *
 * export const chat = defineService({
 *   basePath: '/chat',
 *   messages,
 *   onMessage(connection, message) {
 *     if (message.type === 'add') return message.a + message.b;
 *     if (new Date().getHours() < 6) throw messages.refusal('quiet');
 *     return connection.broadcast({ type: 'said', text: message.text });
 *   },
 * });
 * ```
 *
 * Source: issue threads that ask for one contract, Socket.IO #5512 for example; Standard Schema.
 */
export function defineMessages<const Declarations extends MessageDeclarations>(
  declarations: Declarations,
): Messages<Declarations> {
  check(declarations);
  const codec = new MessageCodec(declarations);
  const messages: Messages<Declarations> = {
    declarations,
    encode: (message) => codec.encode(message),
    refusal: (code) => {
      const text = codec.refusalText(code);
      if (text === undefined) throw invalid(`the refusal "${code}" is not among its errors`);
      return new MessageRefusal(code, text);
    },
  };
  codecs.set(messages, codec);
  return Object.freeze(messages);
}

const KNOWN = [
  'incoming',
  'outgoing',
  'errors',
  'discriminator',
  'correlation',
  'onInvalidMessage',
  'onUnacceptedMessage',
  'maxDepth',
  'maxRequests',
];

/** What errors and replies say under these names cannot be something else as well. */
const RESERVED_FIELDS: ReadonlySet<string> = new Set([
  'code',
  'message',
  'of',
  'issues',
  'state',
  'accepted',
  'result',
  '__proto__',
]);

function check(declarations: MessageDeclarations): void {
  checkOptions('messages', declarations, KNOWN);
  const { incoming, outgoing, errors = {}, discriminator = 'type', correlation = 'id' } = declarations;
  for (const [name, field] of Object.entries({ discriminator, correlation })) {
    if (typeof field !== 'string' || field === '') throw wrongType(`messages.${name}`, 'the name of a field', field);
    if (RESERVED_FIELDS.has(field))
      throw invalid(`"${field}" is a field of errors and replies, and cannot be its ${name}`);
  }
  if (discriminator === correlation) throw invalid(`"${discriminator}" is both its discriminator and its correlation`);
  checkDirection('incoming', incoming);
  checkDirection('outgoing', outgoing);
  checkOptions('messages.errors', errors, Object.keys(errors));
  for (const [code, text] of Object.entries(errors)) {
    if (typeof text !== 'string') throw wrongType(`messages.errors.${code}`, 'a text for the remote side', text);
  }
  checkChoice('onInvalidMessage', declarations.onInvalidMessage, ['reply', 'close']);
  checkChoice('onUnacceptedMessage', declarations.onUnacceptedMessage, ['ignore', 'reply']);
  if (declarations.maxDepth !== undefined) checkCount('messages.maxDepth', declarations.maxDepth, 1, 1000);
  if (declarations.maxRequests !== undefined)
    checkCount('messages.maxRequests', declarations.maxRequests, 1, 1_000_000);
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return;
  throw wrongType(`messages.${name}`, choices.map((choice) => `"${choice}"`).join(' or '), value);
}

function checkDirection(direction: string, declared: DirectionDeclarations | undefined): void {
  if (declared === undefined) return;
  checkOptions(`messages.${direction}`, declared, Object.keys(declared));
  for (const [type, one] of Object.entries<unknown>(declared)) {
    if (type === REPLY || type === ERROR) {
      throw invalid(`the ${direction} message "${type}" has a name that belongs to replies and errors`);
    }
    const { message, reply } = (isSchema(one) ? { message: one, reply: one } : (one ?? {})) as Record<string, unknown>;
    if (isSchema(message) && isSchema(reply)) continue;
    throw invalid(
      `the ${direction} message "${type}" is ${describe(one)}, neither a schema nor { message, reply } with two schemas`,
    );
  }
}

function isSchema(value: unknown): boolean {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function') || !('~standard' in value)) {
    return false;
  }
  const standard: unknown = value['~standard'];
  return typeof standard === 'object' && standard !== null && 'validate' in standard;
}

function invalid(reason: string): TroupeError {
  return new TroupeError('TROUPE_MESSAGES_INVALID', { reason });
}
