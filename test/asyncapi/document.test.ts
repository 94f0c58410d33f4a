import { Parser } from '@asyncapi/parser';
import { type } from 'arktype';
import { describe, expect, it, vi } from 'vitest';
import { asyncApiOf, BasePath, defineMessages, defineService, isService, OnMessage, OnTextMessage } from 'troupe';
import * as v from 'valibot';
import { z } from 'zod';

// AsyncAPI's parser brings all versions of the specification, which takes it seconds on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const parser = new Parser();

/** What AsyncAPI's own parser finds wrong. */
async function errorsOf(document: object): Promise<string[]> {
  const { diagnostics } = await parser.parse(JSON.stringify(document));
  return diagnostics
    .filter(({ severity }) => `${severity}` === '0')
    .map(({ message, path }) => `${path.join('.')}: ${message}`);
}

const info = { title: 'Test', version: '1.0.0' };
const ignore = (): undefined => undefined;

type Json = Record<string, unknown>;
function at(document: object, ...path: string[]): Json {
  return path.reduce<Json>((part, key) => part[key] as Json, document as Json);
}
const payloadOf = (document: object, name: string): Json => at(document, 'components', 'messages', name, 'payload');

interface Tree {
  name: string;
  children: Tree[];
}
const tree: z.ZodType<Tree, Tree> = z.object({ name: z.string(), children: z.array(z.lazy(() => tree)) });

const messages = defineMessages({
  incoming: {
    say: z.object({ text: z.string().max(500), at: z.iso.datetime().transform((text) => new Date(text)) }),
    move: v.object({ x: v.number(), y: v.optional(v.number()) }),
    add: { message: type({ a: 'number', b: 'number' }), reply: z.number() },
    plant: z.object({ tree }),
    grow: tree,
    either: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('a'), a: z.number() }),
      z.object({ kind: z.literal('b') }),
    ]),
  },
  outgoing: {
    said: z.object({ text: z.string(), times: z.string().transform(Number).pipe(z.number()) }),
    confirm: { message: z.object({ question: z.string() }), reply: v.boolean() },
    'a type/with ~ anything': z.object({}),
  },
  errors: { quiet: 'Nobody speaks at night.' },
});
const rooms = defineService({ basePath: '/rooms', webSocketUpgradePath: '/{room}', messages, onMessage: ignore });

describe('the AsyncAPI document of services', () => {
  it('is valid, whatever library the schemas are of', async () => {
    const other = defineService({ basePath: '/text', onTextMessage: ignore });
    const servers = { production: 'wss://example.com/live', local: 'ws://127.0.0.1:9090' };
    const document = await asyncApiOf([rooms, other], { ...info, description: 'For a test.', servers });
    expect(await errorsOf(document)).toEqual([]);
    expect(document.servers).toEqual({
      production: { host: 'example.com', protocol: 'wss', pathname: '/live' },
      local: { host: '127.0.0.1:9090', protocol: 'ws' },
    });
  });

  it('has a channel for each service, with its address and parameters', async () => {
    const document = await asyncApiOf([rooms], info);
    expect(at(document, 'channels', 'rooms-room')).toMatchObject({
      address: '/rooms/{room}',
      parameters: { room: {} },
    });
  });

  it('says of parameters what their schemas say', async () => {
    const service = defineService({
      basePath: '/{room}/{side}',
      params: z.object({
        room: z
          .string()
          .regex(/^\d+$/)
          .meta({ description: 'Which room.', examples: ['7'] })
          .transform(Number),
        side: z.enum(['left', 'right']).default('left'),
      }),
      query: v.object({ since: v.pipe(v.string(), v.description('Seconds.')), more: v.optional(v.string()) }),
      onOpen: ignore,
    });
    const document = await asyncApiOf([service], info);
    expect(await errorsOf(document)).toEqual([]);
    expect(at(document, 'channels', 'room-side')).toMatchObject({
      parameters: {
        room: { description: 'Which room.', examples: ['7'] },
        side: { enum: ['left', 'right'], default: 'left' },
      },
      bindings: {
        ws: {
          query: {
            type: 'object',
            properties: { since: { type: 'string', description: 'Seconds.' }, more: { type: 'string' } },
            required: ['since'],
          },
        },
      },
    });
  });

  it('leaves out a query that the binding has no place for, and names any parameter', async () => {
    const query = z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]);
    const params = z.record(z.string(), z.string());
    const document = await asyncApiOf([defineService({ basePath: '/{room}', params, query, onOpen: ignore })], info);
    expect(await errorsOf(document)).toEqual([]);
    const channel = at(document, 'channels', 'room');
    expect(channel).toMatchObject({ parameters: { room: {} } });
    expect(at(channel, 'bindings', 'ws')).not.toHaveProperty('query');
  });

  it('says what is on the wire: the input of what comes, the output of what goes, and their types', async () => {
    const document = await asyncApiOf([rooms], info);
    expect(payloadOf(document, 'rooms-room.in.say')).toMatchObject({
      type: 'object',
      properties: { type: { const: 'say' }, text: { type: 'string', maxLength: 500 }, at: { type: 'string' } },
      required: ['type', 'text', 'at'],
    });
    expect(payloadOf(document, 'rooms-room.in.move')).toMatchObject({
      properties: { type: { const: 'move' }, x: { type: 'number' } },
      required: ['type', 'x'],
    });
    expect(payloadOf(document, 'rooms-room.out.said')).toMatchObject({ properties: { times: { type: 'number' } } });
  });

  it('describes requests with their replies and ids', async () => {
    const document = await asyncApiOf([rooms], info);
    expect(at(document, 'operations', 'rooms-room.receive.add')).toMatchObject({
      action: 'receive',
      reply: {
        messages: [
          { $ref: '#/channels/rooms-room/messages/in.add.reply' },
          { $ref: '#/channels/rooms-room/messages/error' },
        ],
      },
    });
    expect(at(document, 'components', 'messages', 'rooms-room.in.add')).toMatchObject({
      correlationId: { location: '$message.payload#/id' },
      payload: { properties: { id: { type: ['string', 'integer'] } }, required: ['type', 'a', 'b'] },
    });
    expect(payloadOf(document, 'rooms-room.out.confirm')).toMatchObject({ required: ['type', 'id', 'question'] });
    expect(payloadOf(document, 'rooms-room.out.confirm.reply')).toMatchObject({
      properties: { type: { const: 'reply' }, result: { type: 'boolean' } },
    });
  });

  it('keeps schemas that refer to themselves where the references lead', async () => {
    const document = await asyncApiOf([rooms], info);
    const schemas = at(document, 'components', 'schemas');
    expect(Object.keys(schemas)).toEqual(['rooms-room.in.plant', 'rooms-room.in.grow']);
    for (const [, name] of JSON.stringify(document).matchAll(/#\/components\/schemas\/([^"/]+)/g)) {
      expect(schemas).toHaveProperty([name!]);
    }
  });

  it('puts the type into each alternative of a union, strict ones too', async () => {
    const document = await asyncApiOf([rooms], info);
    const { oneOf } = payloadOf(document, 'rooms-room.in.either') as { oneOf: Json[] };
    expect(oneOf).toMatchObject([
      { properties: { type: { const: 'either' }, a: { type: 'number' } }, additionalProperties: false },
      { properties: { type: { const: 'either' }, kind: { const: 'b' } } },
    ]);
  });

  it('is valid for fields of other names, and services with the same key', async () => {
    const own = defineMessages({
      discriminator: 'a/b',
      correlation: 'c~d',
      incoming: { ask: { message: z.object({}), reply: z.string() } },
    });
    const one = defineService({ name: 'a b', basePath: '/one', messages: own, onMessage: ignore });
    const two = defineService({ name: 'a-b', basePath: '/two', messages: own, onMessage: ignore });
    const document = await asyncApiOf([one, two], info);
    expect(await errorsOf(document)).toEqual([]);
    expect(Object.keys(document.channels)).toEqual(['a-b', 'a-b-2']);
  });

  it('describes annotated classes as well', async () => {
    @BasePath('/annotated')
    class Annotated {
      @OnMessage(messages) said() {}
    }
    const document = await asyncApiOf([Annotated], info);
    expect(at(document, 'channels', 'annotated', 'messages')).toHaveProperty(['in.say']);
  });

  it.each([
    ['a date', 'zod', z.object({ at: z.date() })],
    [
      'a library without a converter',
      'other',
      { '~standard': { version: 1, vendor: 'other', validate: () => ({ value: {} }) } } as const,
    ],
  ])('cannot be made of %s, and says of which message', async (_what, vendor, schema) => {
    const declared = defineMessages({ incoming: { odd: schema } });
    const service = defineService({ basePath: '/odd', messages: declared, onMessage: ignore });
    await expect(asyncApiOf([service], info)).rejects.toMatchObject({
      code: 'TROUPE_SCHEMA_UNCONVERTIBLE',
      fields: { message: 'in.odd', vendor },
    });
  });
});

describe('whether something is a service', () => {
  it('is so for what can be registered, and nothing else', () => {
    @BasePath('/a')
    class Annotated {
      @OnTextMessage() said() {}
    }
    class Plain {
      said(): void {}
    }
    expect([rooms, Annotated].map(isService)).toEqual([true, true]);
    expect([Plain, {}, messages, null, undefined, 'rooms'].map(isService)).toEqual(Array(6).fill(false));
  });
});
