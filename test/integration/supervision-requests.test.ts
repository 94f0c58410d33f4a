/** What becomes of requests and of declared messages when a service begins anew: in each of the three forms. */
import { describe, expect, it } from 'vitest';
import { assign, SimulatedClock } from 'xstate';
import {
  authenticated,
  defineMessages,
  defineService,
  serviceSetup,
  type RequestReference,
  type SupervisionOptions,
} from 'troupe';
import { z } from 'zod';
import { connect } from '../support/client.ts';
import { at, forms, secret } from '../support/forms.ts';
import { createGate, type Gate } from '../support/inbox.ts';
import { advance, advanceUntil, serve, watch } from '../support/server.ts';
import { hear, send, talker } from '../support/talker.ts';

const path = '/test/websocket';
const restart = { onCrash: 'restart', backoff: { minMs: 100, jitter: 0 } } as const;
const sure = { type: 'said', text: 'sure: true' };

describe.each(forms)('a service of %s that is restarted', (form) => {
  async function begin(supervision: SupervisionOptions = {}) {
    const clock = new SimulatedClock();
    const { service } = talker(form, at(path), { supervision: { ...restart, ...supervision } });
    const server = await serve([service], { clock });
    const client = await connect(server.url(path));
    const restarted = watch(server.troupe, 'connection.restarted');
    const crashes = watch(server.troupe, 'connection.crashed');
    const rejected = watch(server.troupe, 'message.rejected');

    /** Has it ask something, and fail while the answer is waited for. */
    const failWhileAsking = async (): Promise<number> => {
      send(client, { type: 'wonder', question: 'sure?' });
      const { id } = (await hear(client)) as { readonly id: number };
      send(client, { type: 'fail', id: 'mine' });
      await crashes.next();
      expect(await hear(client)).toMatchObject({ type: 'error', code: 'internal', of: 'fail', id: 'mine' });
      return id;
    };
    /** What it says until then. */
    const heardByNow = async (): Promise<unknown[]> => {
      send(client, { type: 'say', text: 'marker' });
      const heard: unknown[] = [];
      for (;;) {
        const message = await hear(client);
        if ((message as { readonly text?: string }).text === 'marker') return heard;
        heard.push(message);
      }
    };
    const begun = () => advanceUntil(clock, restarted.next(), { stepMs: 100 });
    return { client, rejected, begun, failWhileAsking, heardByNow };
  }

  it('from its start waits for no reply any more: what it had asked has ended', async () => {
    const { client, rejected, begun, failWhileAsking, heardByNow } = await begin();
    const id = await failWhileAsking();

    await begun();
    send(client, { type: 'reply', id, result: true });

    // A promise tells whoever still has it; a machine knows nothing of what its predecessor asked.
    const ended = { type: 'said', text: 'TROUPE_REQUEST_ENDED' };
    expect(await heardByNow()).toEqual(form === 'machine' ? [] : [ended]);
    expect(rejected.all).toEqual([expect.objectContaining({ reason: 'unexpected-reply', answer: 'nothing' })]);
  });

  it('from its start has nothing to do with a reply that came while it waited', async () => {
    const { client, begun, failWhileAsking, heardByNow } = await begin();
    const id = await failWhileAsking();
    send(client, { type: 'reply', id, result: true });
    await client.ping();

    await begun();

    expect(await heardByNow()).toEqual(form === 'machine' ? [] : [sure]);
  });

  it('from its start takes no late reply for one to a question of its own', async () => {
    const { client, rejected, begun, failWhileAsking, heardByNow } = await begin();
    const old = await failWhileAsking();
    await begun();
    send(client, { type: 'wonder', question: 'and now?' });
    const asked = await client.messages.until((text) => String(text).includes('and now?'));
    expect(JSON.parse(String(asked))).not.toMatchObject({ id: old });

    send(client, { type: 'reply', id: old, result: true });

    expect(await heardByNow()).toEqual([]);
    expect(rejected.all).toEqual([expect.objectContaining({ reason: 'unexpected-reply' })]);
  });

  it.each(['while it waits', 'afterwards'])('from a snapshot gets the reply that comes %s', async (when) => {
    const { client, begun, failWhileAsking } = await begin({ restartFrom: 'snapshot' });
    const id = await failWhileAsking();
    const answer = (): void => send(client, { type: 'reply', id, result: true });

    if (when === 'while it waits') answer();
    await client.ping();
    expect(await begun()).toMatchObject({ from: 'snapshot' });
    if (when === 'afterwards') answer();

    expect(await hear(client)).toEqual(sure);
  });

  it('is not restarted when the auth expires first: what waits is dropped', async () => {
    const clock = new SimulatedClock();
    const backoff = { minMs: 600_000, maxMs: 600_000 };
    const { service } = talker(form, at(path), {
      supervision: { ...restart, backoff },
      authenticate: () => authenticated('ada', { expiresAt: Date.now() + 300_000 }),
    });
    const server = await serve([service], { clock, limits: { heartbeatIntervalMs: 0 } });
    const client = await connect(server.url(path));
    const crashes = watch(server.troupe, 'connection.crashed');
    send(client, { type: 'fail' });
    send(client, { type: 'say', text: 'never handled' });
    await crashes.next();
    await client.ping();

    expect(await advanceUntil(clock, client.closed, { limitMs: 320_000 })).toMatchObject({ code: 3000 });
    expect(client.messages.all).toEqual([]);
  });
});

describe('a machine that fails of its own accord while a schema takes its time', () => {
  async function begin() {
    const gates = new Map<string, Gate>(['first', 'bad', 'broken', 'second'].map((text) => [text, createGate()]));
    const gated = z.object({
      text: z.string().refine(async (text) => {
        await gates.get(text)?.opened;
        return text !== 'bad';
      }),
    });
    // Not within zod, which asks twice: the first rejection is nobody's there.
    const validate = async (given: unknown) => {
      if ((given as { readonly text?: unknown }).text !== 'broken') return gated['~standard'].validate(given);
      await gates.get('broken')?.opened;
      throw new Error(secret);
    };
    const messages = defineMessages({
      incoming: { say: { '~standard': { ...gated['~standard'], validate } } },
      outgoing: { said: z.object({ text: z.string() }) },
      onInvalidMessage: 'close',
    });
    const machine = serviceSetup<Record<never, never>, never, { messages: typeof messages }>()
      .extend({
        actions: {
          fail: () => {
            throw new Error(secret);
          },
        },
      })
      .createMachine({
        initial: 'calm',
        states: {
          calm: {
            after: { 5_000: { actions: 'fail' } },
            on: {
              'message.say': {
                actions: {
                  type: 'push',
                  params: ({ event }) => ({ message: { type: 'said', text: event.message.text } }),
                },
              },
            },
          },
        },
      });
    const clock = new SimulatedClock();
    const server = await serve([defineService({ ...at(path), messages, machine, supervision: restart })], { clock });
    const client = await connect(server.url(path));
    const crashes = watch(server.troupe, 'connection.crashed');
    const restarted = watch(server.troupe, 'connection.restarted');
    /** Has it fail with that in the hands of the schema. */
    const failWith = async (text: string): Promise<void> => {
      send(client, { type: 'say', text });
      await client.ping();
      await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    };
    return { clock, server, client, crashes, gates, failWith };
  }

  it('is given nothing of that any more, and its successor handles one message at a time', async () => {
    const { clock, client, crashes, gates, failWith } = await begin();
    await failWith('first');
    for (const text of ['second', 'third']) send(client, { type: 'say', text });
    await client.ping();

    gates.get('first')?.open();
    await client.ping();
    await advance(clock, 200, 100);
    expect(client.messages.all).toEqual([]);
    gates.get('second')?.open();

    expect([await hear(client), await hear(client)]).toEqual([
      { type: 'said', text: 'second' },
      { type: 'said', text: 'third' },
    ]);
    expect(crashes.all).toHaveLength(1);
  });

  it('answers for nothing of that any more: what a schema refuses later closes nothing', async () => {
    const { server, client, gates, failWith } = await begin();
    const rejected = watch(server.troupe, 'message.rejected');
    await failWith('bad');

    gates.get('bad')?.open();
    send(client, { type: 'say', text: 'third' });

    expect(await hear(client)).toEqual({ type: 'said', text: 'third' });
    expect(rejected.all).toEqual([]);
  });

  it('does not fail once more for that: what its successor has in hand is handled', async () => {
    // The late rejection was taken for a failure of the successor: it was restarted as well, and the message that its
    // schema was looking at was lost.
    const { clock, server, client, crashes, gates, failWith } = await begin();
    const failures = watch(server.troupe, 'callback.failed');
    await failWith('broken');
    send(client, { type: 'say', text: 'second' });
    await client.ping();

    gates.get('broken')?.open();
    const failure = await failures.next();
    gates.get('second')?.open();
    await client.ping();
    await advance(clock, 1_000, 100);

    expect(client.messages.all.map((text) => JSON.parse(String(text)) as unknown)).toEqual([
      { type: 'said', text: 'second' },
    ]);
    expect(crashes.all).toHaveLength(1);
    expect(failure).toMatchObject({ callback: expect.stringContaining('before its service began anew') });
  });
});

describe('a request that a machine has kept to reply later', () => {
  const messages = defineMessages({
    incoming: {
      ask: { message: z.object({ question: z.string() }), reply: z.string() },
      answer: z.object({ text: z.string() }),
      fail: z.object({}),
    },
    outgoing: { noted: z.object({}) },
  });
  const machine = serviceSetup<{ asked: RequestReference | undefined }, never, { messages: typeof messages }>()
    .extend({
      actions: {
        keep: assign({ asked: ({ event }) => (event.type === 'message.ask' ? event.request : undefined) }),
        fail: () => {
          throw new Error(secret);
        },
      },
    })
    .createMachine({
      context: { asked: undefined },
      on: {
        'message.ask': { actions: 'keep' },
        'message.fail': { actions: 'fail' },
        'message.answer': {
          actions: [
            { type: 'reply', params: ({ context, event }) => ({ result: event.message.text, to: context.asked }) },
            { type: 'push', params: { message: { type: 'noted' } } },
          ],
        },
      },
    });

  it.each([
    ['snapshot', [{ type: 'reply', id: 'mine', result: 'yes' }, { type: 'noted' }]],
    ['start', [{ type: 'noted' }]],
  ] as const)('goes with its memory: from %s', async (restartFrom, heard) => {
    const clock = new SimulatedClock();
    const supervision = { ...restart, restartFrom };
    const server = await serve([defineService({ ...at(path), messages, machine, supervision })], { clock });
    const client = await connect(server.url(path));
    const restarted = watch(server.troupe, 'connection.restarted');
    watch(server.troupe, 'connection.crashed');
    send(client, { type: 'ask', id: 'mine', question: 'sure?' });
    send(client, { type: 'fail' });
    expect(await advanceUntil(clock, restarted.next(), { stepMs: 100 })).toMatchObject({ from: restartFrom });

    send(client, { type: 'answer', text: 'yes' });

    for (const message of heard) expect(await hear(client)).toEqual(message);
    expect(client.messages.unread).toEqual([]);
  });
});
