import { type } from 'arktype';
import { describe, expect, it } from 'vitest';
import {
  BasePath,
  defineMessages,
  defineService,
  OnMessage,
  OnTextMessage,
  ServiceConfig,
  createTroupe,
  serviceSetup,
  type AnyMessages,
  type MessageDeclarations,
} from 'troupe';
import * as v from 'valibot';
import { z } from 'zod';
import { codecOf } from '../../src/service/messages.ts';

/** The same declaration with each library. */
const libraries = {
  zod: {
    say: z.object({ text: z.string(), times: z.int().optional() }),
    open: z.looseObject({}),
    dated: z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
  },
  valibot: {
    say: v.object({ text: v.string(), times: v.optional(v.pipe(v.number(), v.integer())) }),
    open: v.looseObject({}),
    dated: v.object({
      at: v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((text) => new Date(text)),
      ),
    }),
  },
  arktype: {
    say: type({ text: 'string', 'times?': 'number.integer' }),
    open: type({}),
    dated: type({ at: 'string.date.iso.parse' }),
  },
} as const;

describe.each(['zod', 'valibot', 'arktype'] as const)('schemas of %s', (library) => {
  const { say, open, dated } = libraries[library];
  const messages = defineMessages({ incoming: { say, open, dated }, outgoing: { say, open } });
  const codec = codecOf(messages);

  it('let a message through that fits, as what they make of it', async () => {
    expect(await codec.decode('{"type":"say","text":"hi","times":2}')).toMatchObject({
      isAccepted: true,
      message: { type: 'say', text: 'hi', times: 2 },
    });
    expect(await codec.decode('{"type":"dated","at":"2026-01-02T03:04:05.000Z"}')).toMatchObject({
      message: { at: new Date('2026-01-02T03:04:05Z') },
    });
  });

  it('keep back one that does not, and say where', async () => {
    expect(await codec.decode('{"type":"say","text":"hi","times":2.5}')).toMatchObject({
      isAccepted: false,
      reason: 'invalid',
      issues: [{ path: ['times'], message: expect.any(String) }],
    });
  });

  it('leave all prototypes alone, whatever keys a message has', async () => {
    const text = '{"type":"open","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1}';
    const decoded = (await codec.decode(text)) as { message: object };
    expect(Object.getPrototypeOf(decoded.message)).toBe(Object.prototype);
    expect(Object.hasOwn(decoded.message, 'toString')).toBe(true);
    expect('polluted' in {}).toBe(false);
    expect('polluted' in decoded.message).toBe(false);
  });

  it('keep a lone surrogate, which goes out as it came in', async () => {
    const decoded = (await codec.decode('{"type":"say","text":"\\ud800"}')) as unknown as {
      message: { type: 'say'; text: string };
    };
    expect(decoded.message.text).toBe('\ud800');
    expect(messages.encode(decoded.message)).toBe('{"text":"\\ud800","type":"say"}');
  });

  it('are asked about what goes out as well', () => {
    expect(messages.encode({ type: 'say', text: 'hi' })).toBe('{"text":"hi","type":"say"}');
    expect(() => messages.encode({ type: 'say', text: 5 as unknown as string })).toThrowError(
      expect.objectContaining({
        code: 'TROUPE_MESSAGE_INVALID',
        fields: { message: 'say', reason: expect.any(String) },
      }),
    );
  });
});

describe('schemas that take their time', () => {
  it.each([
    ['zod', z.object({ text: z.string().refine(async (text) => text === 'ok') })],
    [
      'valibot',
      v.objectAsync({
        text: v.pipeAsync(
          v.string(),
          v.checkAsync(async (text) => text === 'ok'),
        ),
      }),
    ],
    // ArkType has none.
  ])('may do so for what comes in, and not for what goes out, with %s', async (_library, slow) => {
    const declared = { slow };
    const both = defineMessages({ incoming: declared, outgoing: declared });
    expect(await codecOf(both).decode('{"type":"slow","text":"ok"}')).toMatchObject({ isAccepted: true });
    expect(await codecOf(both).decode('{"type":"slow","text":"no"}')).toMatchObject({ reason: 'invalid' });
    expect(() => both.encode({ type: 'slow', text: 'ok' })).toThrowError(
      expect.objectContaining({ code: 'TROUPE_SCHEMA_ASYNC' }),
    );
  });

  it('waits for what has a `then`, whatever that returns', async () => {
    const { '~standard': standard } = z.object({ text: z.string() });
    const odd = (given: unknown) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is what it is about
      then(settle: (result: object) => void): void {
        settle({ value: given });
      },
    });
    const validate = (given: unknown) => odd(given) as unknown as Promise<never>;
    const codec = codecOf(defineMessages({ incoming: { odd: { '~standard': { ...standard, validate } } } }));

    expect(await codec.decode('{"type":"odd","text":"ok"}')).toMatchObject({ isAccepted: true });
  });
});

describe('what is sent', () => {
  it('is what the schema makes of it: fields that it does not know stay here', () => {
    const messages = defineMessages({ outgoing: { user: z.object({ name: z.string() }) } });
    const user = { type: 'user', name: 'ada', passwordHash: 'x' } as const;
    expect(messages.encode(user)).toBe('{"name":"ada","type":"user"}');
  });

  it('has its type and id in the fields that were chosen', async () => {
    const codec = codecOf(
      defineMessages({
        discriminator: 'kind',
        correlation: 'ref',
        incoming: { ask: { message: z.object({ id: z.number() }), reply: z.string() } },
      }),
    );
    expect(await codec.decode('{"kind":"ask","ref":"a","id":5}')).toEqual({
      isAccepted: true,
      type: 'ask',
      message: { kind: 'ask', id: 5 },
      request: { type: 'ask', id: 'a' },
    });
    expect(codec.encodeReply({ type: 'ask', id: 'a' }, 'b')).toBe('{"result":"b","kind":"reply","ref":"a"}');
  });
});

describe('what a schema says', () => {
  it('is sent in part: eight issues, of 200 characters, with paths of eight keys of 64 characters', () => {
    const long = 'x'.repeat(1000);
    const path = Array.from({ length: 20 }, () => long);
    const issues = Array.from({ length: 20 }, () => ({ message: long, path }));
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } } as const;
    const decoded = codecOf(defineMessages({ incoming: { a: schema } })).decode('{"type":"a"}');
    expect(decoded).toEqual({
      isAccepted: false,
      reason: 'invalid',
      type: 'a',
      issues: Array.from({ length: 8 }, () => ({
        message: 'x'.repeat(200),
        path: Array.from({ length: 8 }, () => 'x'.repeat(64)),
      })),
    });
  });
});

describe('declarations that cannot hold', () => {
  const schema = z.object({});
  it.each<[string, unknown]>([
    ['a type that belongs to replies', { incoming: { reply: schema } }],
    ['a type that belongs to errors', { outgoing: { error: schema } }],
    ['a schema that is none', { incoming: { a: {} } }],
    ['a request without a schema for its reply', { incoming: { a: { message: schema } } }],
    ['nothing in the place of a schema', { incoming: { a: null } }],
    ['a discriminator that errors need', { discriminator: 'code' }],
    ['__proto__ as the discriminator', { discriminator: '__proto__' }],
    ['one field for both', { discriminator: 'id' }],
  ])('are refused: %s', (_what, declarations) => {
    expect(() => defineMessages(declarations as MessageDeclarations)).toThrowError(
      expect.objectContaining({ code: 'TROUPE_MESSAGES_INVALID' }),
    );
  });

  it.each<[string, unknown]>([
    ['an unknown option', { incomming: {} }],
    ['an unknown answer', { onInvalidMessage: 'ignore' }],
    ['a depth of nothing', { maxDepth: 0 }],
    ['an error that is no text', { errors: { a: 5 } }],
    ['no object at all', 5],
  ])('are wrong calls: %s', (_what, declarations) => {
    expect(() => defineMessages(declarations as MessageDeclarations)).toThrowError(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }),
    );
  });

  const messages = defineMessages({ incoming: { a: schema }, onUnacceptedMessage: 'reply' });
  const plain = defineMessages({ incoming: { a: schema } });
  it.each<[string, () => unknown]>([
    ['messages that nobody handles', () => defineService({ messages: plain, onOpen: () => undefined })],
    [
      'text beside messages',
      () => defineService({ messages: plain, onMessage: () => undefined, onTextMessage: () => undefined }),
    ],
    [
      'a machine that waits for text',
      () =>
        defineService({
          messages: plain,
          machine: serviceSetup().createMachine({ on: { 'ws.text': { actions: () => {} } } }),
        }),
    ],
    ['states of handlers', () => defineService({ messages, onMessage: () => undefined })],
    [
      'an annotated class without messages',
      () => {
        @BasePath('/a')
        class Service {
          @OnMessage() said() {}
        }
        return createTroupe({ services: [Service] });
      },
    ],
    [
      'an annotated class with two',
      () => {
        @BasePath('/a')
        @ServiceConfig({ messages })
        class Service {
          @OnMessage(plain) said() {}
        }
        return createTroupe({ services: [Service] });
      },
    ],
    [
      'text beside messages in an annotated class',
      () => {
        @BasePath('/a')
        class Service {
          @OnMessage(plain) said() {}
          @OnTextMessage() text() {}
        }
        return createTroupe({ services: [Service] });
      },
    ],
    ['a refusal that is not declared', () => plain.refusal('no' as never)],
  ])('are refused with their service: %s', (_what, define) => {
    expect(define).toThrowError(expect.objectContaining({ code: 'TROUPE_MESSAGES_INVALID' }));
  });

  it('are refused when they were not made by defineMessages', () => {
    const made = { declarations: {} } as AnyMessages;
    expect(() => defineService({ messages: made, onMessage: () => undefined })).toThrowError(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }),
    );
  });
});
