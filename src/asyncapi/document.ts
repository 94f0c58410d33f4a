/**
 * Describes services as an AsyncAPI document, from the declarations that they run on.
 *
 * A service is a channel with the address of its upgrade path, and with the parameters that its handshake checks. The document describes the server: it `receive`s what is
 * incoming and `send`s what is outgoing; requests have a `reply`.
 *
 * Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ServiceDefinition } from '../service/definition.ts';
import type { AnyMessages, DirectionDeclarations, MessageDeclarations } from '../service/message-types.ts';
import { jsonSchemaOf, movedTo, refersToItself, withFields, type JsonSchema, type Side } from './json-schema.ts';
import { describeParameters, describeQuery } from './parameters.ts';

/** What a document says of the whole. */
export interface AsyncApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
  /** Where the server is, for example `{ production: 'wss://chat.example.com/live' }`. */
  readonly servers?: Readonly<Record<string, string>>;
}

/** An AsyncAPI 3.0 document, as plain data. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: Readonly<Record<string, string>>;
  readonly defaultContentType: 'application/json';
  readonly servers?: Readonly<Record<string, unknown>>;
  readonly channels: Readonly<Record<string, unknown>>;
  readonly operations: Readonly<Record<string, unknown>>;
  readonly components: Readonly<Record<string, unknown>>;
}

type Reference = { readonly $ref: string };

/** @throws {TroupeError} `TROUPE_SCHEMA_UNCONVERTIBLE` */
export async function describeServices(
  definitions: readonly ServiceDefinition[],
  { servers, ...info }: AsyncApiInfo,
): Promise<AsyncApiDocument> {
  const components: Components = { messages: {}, schemas: {} };
  const channels: Record<string, unknown> = {};
  const operations: Record<string, unknown> = {};
  for (const definition of definitions) {
    const key = unused(channels, keyOf(definition.name));
    const channel = await new Channel(key, definition, components).describe();
    channels[key] = channel.channel;
    Object.assign(operations, channel.operations);
  }
  return {
    asyncapi: '3.0.0',
    info: { ...info },
    defaultContentType: 'application/json',
    ...(servers !== undefined && { servers: describeServers(servers) }),
    channels,
    operations,
    components: {
      messages: components.messages,
      ...(Object.keys(components.schemas).length > 0 && { schemas: components.schemas }),
    },
  };
}

interface Components {
  readonly messages: Record<string, unknown>;
  readonly schemas: Record<string, unknown>;
}

/** A declared message of one direction. */
interface Message {
  readonly type: string;
  readonly schema: StandardSchemaV1;
  readonly reply: StandardSchemaV1 | undefined;
}

class Channel {
  readonly #key: string;
  readonly #definition: ServiceDefinition;
  readonly #components: Components;
  readonly #declarations: MessageDeclarations;
  readonly #discriminator: string;
  readonly #correlation: string;
  readonly #messages: Record<string, Reference> = {};
  readonly #operations: Record<string, unknown> = {};

  constructor(key: string, definition: ServiceDefinition, components: Components) {
    this.#key = key;
    this.#definition = definition;
    this.#components = components;
    const messages: AnyMessages | undefined = definition.options.messages;
    this.#declarations = messages?.declarations ?? {};
    this.#discriminator = this.#declarations.discriminator ?? 'type';
    this.#correlation = this.#declarations.correlation ?? 'id';
  }

  async describe(): Promise<{ channel: unknown; operations: Record<string, unknown> }> {
    const incoming = messagesOf(this.#declarations.incoming);
    const outgoing = messagesOf(this.#declarations.outgoing);
    if (incoming.length + outgoing.length > 0) this.#add('error', this.#errorSchema());
    for (const message of incoming) await this.#describeMessage('receive', message);
    for (const message of outgoing) await this.#describeMessage('send', message);
    if (incoming.length > 0) this.#operate('sendError', { action: 'send', messages: ['error'] });
    const { route, handshake = {} } = this.#definition;
    const params = handshake.params && (await jsonSchemaOf('params', handshake.params, 'input'));
    const query = handshake.query && describeQuery(await this.#convert('query', handshake.query, 'input'));
    const names = route.segments.flatMap((segment) => ('param' in segment ? [segment.param] : []));
    const channel = {
      address: route.path,
      title: this.#definition.name,
      ...(names.length > 0 && { parameters: describeParameters(names, params) }),
      messages: this.#messages,
      bindings: { ws: { method: 'GET', ...query, bindingVersion: '0.1.0' } },
    };
    return { channel, operations: this.#operations };
  }

  async #describeMessage(action: 'receive' | 'send', { type, schema, reply }: Message): Promise<void> {
    const direction = action === 'receive' ? 'in' : 'out';
    const key = `${direction}.${keyOf(type)}`;
    // What a stranger sends is a schema's input; what the server makes of its own is the output.
    const side: Side = action === 'receive' ? 'input' : 'output';
    const fields = await this.#convert(key, schema, side);
    // A client's request may leave its id out, when it wants no reply.
    const required = action === 'send' && reply !== undefined;
    this.#add(key, this.#payload(type, fields, reply === undefined ? undefined : { required }), reply !== undefined);
    const operation = `${action}.${keyOf(type)}`;
    if (reply === undefined) {
      this.#operate(operation, { action, messages: [key] });
      return;
    }
    const replyKey = `${key}.reply`;
    // The reply goes the other way: so does the side.
    const result = await this.#convert(replyKey, reply, side === 'input' ? 'output' : 'input');
    const replied: JsonSchema = { type: 'object', properties: { result }, required: ['result'] };
    this.#add(replyKey, this.#payload('reply', replied, { required: true }), true);
    this.#operate(operation, { action, messages: [key], reply: [replyKey, 'error'] });
  }

  /** A whole message: the fields of its schema, its type, and its id. */
  #payload(type: string, schema: JsonSchema, id: { readonly required: boolean } | undefined): JsonSchema {
    const fields = {
      [this.#discriminator]: { type: 'string', const: type },
      ...(id !== undefined && { [this.#correlation]: { type: ['string', 'integer'] } }),
    };
    return withFields(schema, fields, [this.#discriminator, ...(id?.required === true ? [this.#correlation] : [])]);
  }

  /** A converted schema; one that refers to itself is kept whole, where its references can lead. */
  async #convert(key: string, schema: StandardSchemaV1, side: Side): Promise<JsonSchema> {
    const converted = await jsonSchemaOf(key, schema, side);
    if (!refersToItself(converted)) return converted;
    const name = `${this.#key}.${key}`;
    const moved = movedTo(`#/components/schemas/${name}`, converted);
    this.#components.schemas[name] = moved;
    return moved;
  }

  #errorSchema(): JsonSchema {
    const codes = ['not-json', 'too-deep', 'number-too-large', 'not-a-message', 'unknown-type', 'invalid'];
    const own = Object.keys(this.#declarations.errors ?? {});
    const issue = {
      type: 'object',
      properties: { path: { type: 'array', items: { type: ['string', 'number'] } }, message: { type: 'string' } },
      required: ['path', 'message'],
    };
    const properties = {
      code: { type: 'string', examples: [...codes, 'not-accepted', 'internal', ...own] },
      message: { type: 'string' },
      of: { type: 'string' },
      issues: { type: 'array', items: issue },
      state: {},
      accepted: { type: 'array', items: { type: 'string' } },
    };
    return this.#payload('error', { type: 'object', properties, required: ['code', 'message'] }, { required: false });
  }

  #add(key: string, payload: JsonSchema, isCorrelated = false): void {
    const name = `${this.#key}.${key}`;
    this.#components.messages[name] = {
      name: key,
      contentType: 'application/json',
      payload,
      ...(isCorrelated && { correlationId: { location: `$message.payload#/${pointerOf(this.#correlation)}` } }),
    };
    this.#messages[key] = { $ref: `#/components/messages/${name}` };
  }

  #operate(
    key: string,
    { action, messages, reply }: { action: 'receive' | 'send'; messages: string[]; reply?: string[] },
  ): void {
    const channel = { $ref: `#/channels/${this.#key}` };
    const all = (keys: readonly string[]): Reference[] =>
      keys.map((one) => ({ $ref: `#/channels/${this.#key}/messages/${one}` }));
    this.#operations[`${this.#key}.${key}`] = {
      action,
      channel,
      messages: all(messages),
      ...(reply !== undefined && { reply: { channel, messages: all(reply) } }),
    };
  }
}

function messagesOf(declared: DirectionDeclarations = {}): Message[] {
  return Object.entries(declared).map(([type, one]) =>
    '~standard' in one ? { type, schema: one, reply: undefined } : { type, schema: one.message, reply: one.reply },
  );
}

/** A name as the specification allows it for keys, and as no reference has to escape it. */
function keyOf(name: string): string {
  const key = name.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return key === '' ? 'root' : key;
}

function unused(taken: object, key: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? key : `${key}-${number}`;
    if (!(candidate in taken)) return candidate;
  }
}

function pointerOf(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}

function describeServers(servers: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(servers).map(([name, address]) => {
      const { protocol, host, pathname } = new URL(address);
      const server = { host, protocol: protocol.slice(0, -1), ...(pathname !== '/' && { pathname }) };
      return [keyOf(name), server];
    }),
  );
}
