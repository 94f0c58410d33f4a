/**
 * Turns text frames into a service's declared messages, and messages into text.
 *
 * Pure: what is decoded and what has been found wrong are values, on which the runtime acts. The types of messages are
 * keys of Maps, so that no text a stranger sends can name a member of a prototype; fields are copied as own properties
 * and never assigned.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { TroupeError, TroupeTypeError } from '../errors.ts';
import { describe } from '../arguments.ts';
import { isThenable, onRejected, promiseOf } from '../thenable.ts';
import { parseJson, type JsonFault } from './json-text.ts';
import { issuesOf, textOfIssues } from './message-issues.ts';
import { validateOnce } from './validate-once.ts';
import type {
  DirectionDeclarations,
  AnyMessageError,
  MessageDeclarations,
  MessageIssue,
  MessageRejection,
  RequestReference,
} from './message-types.ts';

/** The types that belong to the protocol itself. */
export const REPLY = 'reply';
export const ERROR = 'error';

const MAX_ID_LENGTH = 64;

type Fields = Readonly<Record<string, unknown>>;

interface Declared {
  readonly schema: StandardSchemaV1;
  readonly reply: StandardSchemaV1 | undefined;
}

/** A message that the service gets. */
export interface Accepted {
  readonly isAccepted: true;
  readonly type: string;
  readonly message: Fields;
  readonly request: RequestReference | undefined;
}

/** A message that the service never gets. */
export interface Rejected {
  readonly isAccepted: false;
  /** `unexpected-reply`: for a request that waits no more, or never did. It is never answered: errors must not echo. */
  readonly reason: MessageRejection;
  readonly type?: string;
  readonly request?: RequestReference;
  readonly issues?: readonly MessageIssue[];
  /** The schema refused nothing: it failed. The message is nobody's fault, and is to be answered as such. */
  readonly failure?: { readonly error: unknown };
}

export type Decoded = Accepted | Rejected;

/** What the remote side answered to a request of the service. */
export interface Answered {
  readonly id: number;
  /** The code of the error that it answered with. Untrusted. */
  readonly error: string | undefined;
  readonly result: unknown;
}

export class MessageCodec {
  readonly discriminator: string;
  readonly correlation: string;
  readonly maxDepth: number;
  readonly #incoming: ReadonlyMap<string, Declared>;
  readonly #outgoing: ReadonlyMap<string, Declared>;
  readonly #errors: ReadonlyMap<string, string>;

  constructor(declarations: MessageDeclarations) {
    this.discriminator = declarations.discriminator ?? 'type';
    this.correlation = declarations.correlation ?? 'id';
    this.maxDepth = declarations.maxDepth ?? 32;
    this.#incoming = mapOf(declarations.incoming);
    this.#outgoing = mapOf(declarations.outgoing);
    this.#errors = new Map(Object.entries(declarations.errors ?? {}));
  }

  /** The types that a service takes. */
  get incomingTypes(): Iterable<string> {
    return this.#incoming.keys();
  }

  /** The types of the requests that a service makes. */
  get requestTypes(): readonly string[] {
    return [...this.#outgoing].filter(([, { reply }]) => reply !== undefined).map(([type]) => type);
  }

  /** Reads a text frame. A promise when the schema is asynchronous; what the schema throws is a `failure`. */
  decode(text: string): Decoded | PromiseLike<Decoded> {
    const fields = this.#read(text);
    if (typeof fields === 'string') return { isAccepted: false, reason: fields };
    const { [this.discriminator]: type, ...rest } = fields;
    if (type === REPLY || type === ERROR) return { isAccepted: false, reason: 'unexpected-reply' };
    const declared = typeof type === 'string' ? this.#incoming.get(type) : undefined;
    if (declared === undefined || typeof type !== 'string') {
      return { isAccepted: false, reason: typeof type === 'string' ? 'unknown-type' : 'not-a-message' };
    }
    if (declared.reply === undefined) return this.#validate(type, declared.schema, rest, undefined);
    const { [this.correlation]: id, ...others } = rest;
    if (id === undefined) return this.#validate(type, declared.schema, others, undefined);
    if (isId(id)) return this.#validate(type, declared.schema, others, { type, id });
    const message = `must be a whole number or a text of 1 to ${MAX_ID_LENGTH} characters`;
    return { isAccepted: false, reason: 'invalid', type, issues: [{ path: [this.correlation], message }] };
  }

  /** Reads a text frame while requests wait: the answer to one of them, if it is one. */
  readAnswer(text: string): Answered | undefined {
    const fields = this.#read(text);
    if (typeof fields === 'string') return undefined;
    const type = fields[this.discriminator];
    const id = fields[this.correlation];
    if ((type !== REPLY && type !== ERROR) || typeof id !== 'number') return undefined;
    const code = fields['code'];
    const error = type === ERROR ? (typeof code === 'string' ? code.slice(0, MAX_ID_LENGTH) : 'unknown') : undefined;
    return { id, error, result: fields['result'] };
  }

  /** Checks what was answered to a request of that type. */
  checkReply(type: string, result: unknown): StandardResult | PromiseLike<StandardResult> {
    return validateOnce(this.#outgoing.get(type)!.reply!, result);
  }

  /**
   * An outgoing message as text.
   *
   * @throws {TroupeTypeError} `TROUPE_MESSAGE_INVALID` for one that is not declared or fails its schema
   */
  encode(message: object): string {
    const type = this.#typeOf(message);
    const declared = this.#outgoing.get(type)!;
    if (declared.reply !== undefined) throw invalid(type, 'it is a request, to be sent with request()');
    return this.#text(type, this.#checked(type, declared.schema, this.#fieldsOf(message)), undefined);
  }

  /** A request of the service as text. @throws {TroupeTypeError} as for `encode` */
  encodeRequest(message: object, id: number): string {
    const type = this.requestTypeOf(message);
    return this.#text(type, this.#checked(type, this.#outgoing.get(type)!.schema, this.#fieldsOf(message)), id);
  }

  /** @throws {TroupeTypeError} `TROUPE_MESSAGE_INVALID` when it is no request */
  requestTypeOf(message: object): string {
    const type = this.#typeOf(message);
    if (this.#outgoing.get(type)!.reply === undefined)
      throw invalid(type, 'it has no reply, so it is sent with push()');
    return type;
  }

  /** The reply to a request as text. @throws {TroupeTypeError} `TROUPE_MESSAGE_INVALID` when it fails its schema */
  encodeReply({ type, id }: RequestReference, result: unknown): string {
    const schema = this.#incoming.get(type)?.reply;
    if (schema === undefined) throw invalid(type, 'no reply to it is declared');
    return this.#text(REPLY, { result: this.#checked(`reply to ${type}`, schema, result) }, id);
  }

  /** An error as text: of a message that was refused, or of a request that failed. */
  encodeError(fields: AnyMessageError, id: string | number | undefined): string {
    return this.#text(ERROR, fields, id);
  }

  /** The text that is declared for a refusal. */
  refusalText(code: string): string | undefined {
    return this.#errors.get(code);
  }

  #read(text: string): Fields | JsonFault | 'not-a-message' {
    const result = parseJson(text, this.maxDepth);
    if ('fault' in result) return result.fault;
    const { value } = result;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : 'not-a-message';
  }

  #validate(
    type: string,
    schema: StandardSchemaV1,
    fields: Fields,
    request: RequestReference | undefined,
  ): Decoded | PromiseLike<Decoded> {
    try {
      const result = validateOnce(schema, fields);
      if (!isThenable(result)) return this.#decided(type, request, result);
      return promiseOf(result)
        .then((later) => this.#decided(type, request, later))
        .catch((error: unknown) => refused(type, request, { failure: { error } }));
    } catch (error) {
      return refused(type, request, { failure: { error } });
    }
  }

  #decided(type: string, request: RequestReference | undefined, result: StandardResult): Decoded {
    if (result.issues !== undefined) return refused(type, request, { issues: issuesOf(result.issues) });
    return { isAccepted: true, type, message: this.#message(type, result.value), request };
  }

  #message(type: string, fields: unknown): Fields {
    if (!isFields(fields)) throw invalid(type, `its schema made of it ${describe(fields)} instead of an object`);
    return { ...fields, [this.discriminator]: type };
  }

  /** The declared type of an outgoing message. */
  #typeOf(message: object): string {
    if (!isFields(message)) throw invalid('?', `it is ${describe(message)}`);
    const type = message[this.discriminator];
    if (typeof type === 'string' && this.#outgoing.has(type)) return type;
    const declared = [...this.#outgoing.keys()].map((one) => `"${one}"`).join(', ');
    throw invalid(String(type), `only these are declared as outgoing: ${declared === '' ? 'none' : declared}`);
  }

  #fieldsOf(message: object): Fields {
    const { [this.discriminator]: _type, ...fields } = message as Fields;
    return fields;
  }

  #checked(type: string, schema: StandardSchemaV1, value: unknown): unknown {
    const result = schema['~standard'].validate(value);
    if (isThenable(result)) {
      onRejected(result, () => {});
      throw new TroupeError('TROUPE_SCHEMA_ASYNC', { message: type });
    }
    if (result.issues !== undefined) throw invalid(type, textOfIssues(result.issues));
    return result.value;
  }

  #text(type: string, fields: unknown, id: string | number | undefined): string {
    if (!isFields(fields)) throw invalid(type, `its schema made of it ${describe(fields)} instead of an object`);
    const own = { ...fields, [this.discriminator]: type };
    return JSON.stringify(id === undefined ? own : { ...own, [this.correlation]: id });
  }
}

export type StandardResult = StandardSchemaV1.Result<unknown>;

function mapOf(declarations: DirectionDeclarations | undefined): ReadonlyMap<string, Declared> {
  return new Map(
    Object.entries(declarations ?? {}).map(([type, declared]) => [
      type,
      'message' in declared && !('~standard' in declared)
        ? { schema: declared.message, reply: declared.reply }
        : { schema: declared as StandardSchemaV1, reply: undefined },
    ]),
  );
}

function refused(
  type: string,
  request: RequestReference | undefined,
  why: Pick<Rejected, 'issues' | 'failure'>,
): Rejected {
  return { isAccepted: false, reason: 'invalid', type, ...(request !== undefined && { request }), ...why };
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' ? id !== '' && id.length <= MAX_ID_LENGTH : Number.isSafeInteger(id);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(type: string, reason: string): TroupeTypeError {
  return new TroupeTypeError('TROUPE_MESSAGE_INVALID', { message: type, reason });
}
