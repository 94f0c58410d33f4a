import { describe, expect, it } from 'vitest';
import { defineMessages, defineService, serviceSetup, type MessageConnection } from 'troupe';
import { SimulatedClock } from 'xstate';
import { z } from 'zod';
import { connect } from '../support/client.ts';
import { at, secret } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { advanceUntil, serve, watch } from '../support/server.ts';
import { hear, send, talker } from '../support/talker.ts';

const messages = defineMessages({
  outgoing: { ping: { message: z.object({ n: z.number() }), reply: z.number() } },
  maxRequests: 2,
});
type Asking = MessageConnection<typeof messages>;

async function opened(): Promise<{ connection: Asking; client: Awaited<ReturnType<typeof connect>> }> {
  let connection: Asking | undefined;
  const service = defineService({
    basePath: '/ask',
    messages,
    onOpen(one) {
      connection = one;
    },
  });
  const server = await serve([service]);
  const client = await connect(server.url('/ask'));
  return { connection: connection!, client };
}

describe('a handler that waits for a reply', () => {
  it('has not failed when the connection ends instead, and has when time runs out', async () => {
    const closes = new Inbox<number>();
    const service = defineService({
      basePath: '/ask',
      messages,
      async onOpen(connection) {
        await connection.request({ type: 'ping', n: 1 }, { timeoutMs: 1000 });
      },
      onClose: (_connection, { code }) => closes.push(code),
    });
    const clock = new SimulatedClock();
    const server = await serve([service], { clock });
    const crashes = watch(server.troupe, 'connection.crashed');
    const alice = await connect(server.url('/ask'));
    await hear(alice);
    await alice.close(1000);
    expect([await closes.next(), crashes.all]).toEqual([1000, []]);

    const bob = await connect(server.url('/ask'));
    await hear(bob);
    expect(await advanceUntil(clock, bob.closed)).toEqual({ code: 1011, reason: '' });
    expect((await crashes.next()).error).toMatchObject({ code: 'TROUPE_REQUEST_TIMED_OUT' });
  });
});

describe('requests from outside a handler', () => {
  it('are matched with their replies by id, in whatever order those come', async () => {
    const { connection, client } = await opened();
    const first = connection.request({ type: 'ping', n: 1 });
    const second = connection.request({ type: 'ping', n: 2 });
    const ids = [await hear(client), await hear(client)].map((message) => (message as { id: number }).id);
    send(client, { type: 'reply', id: ids[1], result: 20 });
    send(client, { type: 'reply', id: ids[0], result: 10 });
    expect([await first, await second]).toEqual([10, 20]);
  });

  it('are bounded: one too many is not sent', async () => {
    const { connection, client } = await opened();
    void connection.request({ type: 'ping', n: 1 });
    void connection.request({ type: 'ping', n: 2 });
    await expect(connection.request({ type: 'ping', n: 3 })).rejects.toMatchObject({
      code: 'TROUPE_REQUESTS_EXCEEDED',
      fields: { request: 'ping', maxRequests: 2 },
    });
    connection.pushText('marker');
    expect(await client.before('marker')).toHaveLength(2);
  });

  it('end with an error when the connection ends, and harm nobody when nobody looks', async () => {
    const { connection, client } = await opened();
    void connection.request({ type: 'ping', n: 1 });
    const looked = connection.request({ type: 'ping', n: 2 });
    await client.terminate();
    await expect(looked).rejects.toMatchObject({ code: 'TROUPE_REQUEST_ENDED' });
    await expect(connection.request({ type: 'ping', n: 3 })).rejects.toMatchObject({
      code: 'TROUPE_REQUEST_UNSENT',
      fields: { request: 'ping', status: 'closed' },
    });
  });

  it('end in time, or with their connection, also when the schema of the reply never answers', async () => {
    const never = z.custom<number>(async () => {
      await new Promise(() => {});
    });
    const asking = defineMessages({ outgoing: { ping: { message: z.object({}), reply: never } } });
    const connections = new Inbox<MessageConnection<typeof asking>>();
    const clock = new SimulatedClock();
    const service = defineService({
      basePath: '/ask',
      messages: asking,
      onOpen: (connection) => connections.push(connection),
    });
    const server = await serve([service], { clock });
    const client = await connect(server.url('/ask'));
    const rejected = watch(server.troupe, 'message.rejected');
    const connection = await connections.next();
    const answered = async (timeoutMs: number): Promise<Promise<number>[]> => {
      const asked = connection.request({ type: 'ping' }, { timeoutMs });
      const { id } = (await hear(client)) as { id: number };
      send(client, { type: 'reply', id, result: 1 });
      // There is one reply to a request, however long it takes to look at it.
      send(client, { type: 'reply', id, result: 2 });
      expect(await rejected.next()).toMatchObject({ reason: 'unexpected-reply' });
      return [asked];
    };

    const [late] = await answered(1000);
    const timedOut = expect(late).rejects.toMatchObject({ code: 'TROUPE_REQUEST_TIMED_OUT' });
    await advanceUntil(clock, timedOut, { limitMs: 5000 });
    const [ended] = await answered(10_000);
    await client.terminate();

    await expect(ended).rejects.toMatchObject({ code: 'TROUPE_REQUEST_ENDED' });
  });

  it('fail with what the schema of the reply does instead of answering', async () => {
    const odd = z.custom<number>();
    const standard = { ...odd['~standard'], validate: () => undefined as never };
    const asking = defineMessages({ outgoing: { ping: { message: z.object({}), reply: { '~standard': standard } } } });
    const replies = new Inbox<Promise<unknown>>();
    const service = defineService({
      basePath: '/ask',
      messages: asking,
      onOpen: (connection) => replies.push(connection.request({ type: 'ping' })),
    });
    const client = await connect((await serve([service])).url('/ask'));
    const { id } = (await hear(client)) as { id: number };
    send(client, { type: 'reply', id, result: 1 });

    await expect(replies.all[0]).rejects.toThrowError(TypeError);
  });

  it('throw at the call what is wrong with the call', async () => {
    const { connection } = await opened();
    const ask = (message: object, options?: object) => () => connection.request(message as never, options);
    expect(ask({ type: 'pong' })).toThrowError(expect.objectContaining({ code: 'TROUPE_MESSAGE_INVALID' }));
    expect(ask({ type: 'ping', n: 'a' })).toThrowError(expect.objectContaining({ code: 'TROUPE_MESSAGE_INVALID' }));
    expect(ask({ type: 'ping', n: 1 }, { timeoutMs: 0 })).toThrowError(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }),
    );
  });

  it('have their replies counted among the messages received', async () => {
    const connections = new Inbox<Asking>();
    const service = defineService({
      basePath: '/ask',
      messages,
      onOpen: (connection) => connections.push(connection),
    });
    const server = await serve([service]);
    const received = watch(server.troupe, 'message.received');
    const client = await connect(server.url('/ask'));
    const asked = (await connections.next()).request({ type: 'ping', n: 1 });
    const { id } = (await hear(client)) as { id: number };
    const text = JSON.stringify({ type: 'reply', id, result: 10 });
    client.send(text);

    expect(await asked).toBe(10);
    expect(received.all).toEqual([expect.objectContaining({ kind: 'text', bytes: text.length })]);
  });

  it('take an answer from their own connection alone', async () => {
    const server = await serve([talker('handlers', at('/talk/a')).service]);
    const alice = await connect(server.url('/talk/a'));
    const mallory = await connect(server.url('/talk/a'));
    send(alice, { type: 'ask', question: 'sure?', timeoutMs: 1000 });
    const { id } = (await hear(alice)) as { id: number };
    send(mallory, { type: 'ask', question: 'own', timeoutMs: 1000 });
    await hear(mallory);
    send(mallory, { type: 'reply', id, result: false });
    expect(await hear(mallory)).toEqual({ type: 'said', text: 'sure: false' });
    send(alice, { type: 'reply', id, result: true });
    expect(await hear(alice)).toEqual({ type: 'said', text: 'sure: true' });
  });
});

describe('a request whose handling fails', () => {
  const gone = z.object({});
  const broken = {
    '~standard': {
      ...gone['~standard'],
      validate: (): never => {
        throw new Error(secret);
      },
    },
  };
  const brokenLater = {
    '~standard': { ...gone['~standard'], validate: () => Promise.reject(new Error(secret)) },
  };
  const asked = defineMessages({
    incoming: {
      answered: { message: z.object({}), reply: z.number() },
      guarded: { message: z.object({}), reply: z.number() },
      broken: { message: broken, reply: z.number() },
      brokenLater: { message: brokenLater, reply: z.number() },
    },
    onUnacceptedMessage: 'reply',
  });
  const machine = serviceSetup<Record<never, never>, never, { messages: typeof asked }>()
    .extend({
      actions: {
        fail: () => {
          throw new Error(secret);
        },
      },
      guards: {
        fails: () => {
          throw new Error(secret);
        },
      },
    })
    .createMachine({
      on: {
        'message.answered': { actions: [{ type: 'reply', params: { result: 1 } }, 'fail'] },
        'message.guarded': { guard: 'fails', actions: { type: 'reply', params: { result: 1 } } },
      },
    });

  it.each([
    ['an action, after the reply', 'answered', { type: 'reply', id: 'mine', result: 1 }],
    ['a guard that is asked whether it is accepted', 'guarded', { type: 'error', id: 'mine', code: 'internal' }],
    ['its schema', 'broken', { type: 'error', id: 'mine', code: 'internal' }],
    ['its schema, later', 'brokenLater', { type: 'error', id: 'mine', code: 'internal' }],
  ])('in %s, has one answer', async (_where, type, answer) => {
    // It had two or none, and with a restart its client waited for nothing.
    const server = await serve([defineService({ basePath: '/ask', messages: asked, machine })]);
    const crashes = watch(server.troupe, 'connection.crashed');
    const client = await connect(server.url('/ask'));
    send(client, { type, id: 'mine' });

    const answers = (await client.untilClosed()).map((text) => JSON.parse(String(text)) as unknown);

    expect(answers).toEqual([expect.objectContaining(answer)]);
    expect(JSON.stringify(answers)).not.toContain(secret);
    expect([(await client.closed).code, crashes.all.length]).toEqual([1011, 1]);
  });
});
