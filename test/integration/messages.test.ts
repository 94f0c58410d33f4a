import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { connect } from '../support/client.ts';
import { at, forms, secret } from '../support/forms.ts';
import { createGate } from '../support/inbox.ts';
import { advanceUntil, serve, watch } from '../support/server.ts';
import { hear, send, talker } from '../support/talker.ts';

const said = (text: string) => ({ type: 'said', text });

describe.each(forms)('declared messages, %s', (form) => {
  describe('that fit their schemas', () => {
    it('reach the service as typed messages, and go out as JSON to whom they are meant for', async () => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const alice = await connect(server.url('/talk/a'));
      const bob = await connect(server.url('/talk/a'));
      send(alice, { type: 'say', text: 'hi' });
      expect([await hear(alice), await hear(bob)]).toEqual([said('hi'), said('hi')]);

      send(alice, { type: 'tell', name: 'alice', group: 'lobby', text: 'x' });
      expect([await hear(alice), await hear(alice), await hear(alice)]).toEqual([
        said('self x'),
        said('name x'),
        said('group x'),
      ]);
      send(bob, { type: 'say', text: 'marker' });
      expect([await hear(alice), await hear(bob)]).toEqual([said('marker'), said('marker')]);
    });

    it('keep their order while an asynchronous schema takes its time', async () => {
      const gate = createGate();
      const server = await serve([talker(form, at('/talk/a'), {}, new Map([['deep', gate]])).service]);
      const alice = await connect(server.url('/talk/a'));
      send(alice, { type: 'ponder', text: 'deep' });
      send(alice, { type: 'say', text: 'after' });
      send(alice, { type: 'ponder', text: 'nonsense' });
      await alice.ping();
      expect(alice.messages.unread).toEqual([]);
      gate.open();
      expect([await hear(alice), await hear(alice), await hear(alice)]).toEqual([
        said('deep'),
        said('after'),
        {
          type: 'error',
          code: 'invalid',
          message: 'The message does not fit its schema.',
          of: 'ponder',
          issues: [{ path: ['text'], message: 'must make sense' }],
        },
      ]);
    });

    it('end with their connection when that ends while a schema takes its time', async () => {
      const gate = createGate();
      const { service, closes } = talker(form, at('/talk/a'), {}, new Map([['deep', gate]]));
      const clock = new SimulatedClock();
      const server = await serve([service], { clock });
      const alice = await connect(server.url('/talk/a'));
      const bob = await connect(server.url('/talk/a'));
      send(alice, { type: 'ponder', text: 'deep' });
      await alice.ping();
      await alice.terminate();
      expect(await advanceUntil(clock, closes.next())).toBe(1006);
      gate.open();
      send(bob, { type: 'say', text: 'marker' });
      expect(await hear(bob)).toEqual(said('marker'));
    });
  });

  describe('that fail', () => {
    it.each([
      ['no JSON', '{', 'not-json'],
      ['no object', '[1]', 'not-a-message'],
      ['null', 'null', 'not-a-message'],
      ['no type', '{"text":"hi"}', 'not-a-message'],
      ['a type that is no text', '{"type":1}', 'not-a-message'],
      ['a type that is not declared', '{"type":"shout"}', 'unknown-type'],
      ['a type that only goes out', '{"type":"said","text":"hi"}', 'unknown-type'],
      ['a type that is a member of every object', '{"type":"constructor"}', 'unknown-type'],
      ['a type that is __proto__', '{"type":"__proto__"}', 'unknown-type'],
      ['a lone surrogate as its type', '{"type":"\\ud800"}', 'unknown-type'],
      ['nesting without end', `{"type":"say","text":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'too-deep'],
      ['a number beyond all bounds', '{"type":"add","a":1e999,"b":1}', 'number-too-large'],
      ['a field that its schema refuses', '{"type":"say","text":5}', 'invalid'],
      ['an id that is none', '{"type":"add","id":{},"a":1,"b":2}', 'invalid'],
      ['an id that is too long', `{"type":"add","id":"${'x'.repeat(65)}","a":1,"b":2}`, 'invalid'],
    ])('get an error and go no further: %s', async (_what, text, code) => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const rejected = watch(server.troupe, 'message.rejected');
      const alice = await connect(server.url('/talk/a'));
      alice.send(text);
      send(alice, { type: 'say', text: 'still here' });
      expect(await hear(alice)).toMatchObject({ type: 'error', code });
      expect(await hear(alice)).toEqual(said('still here'));
      const { connection, reason, answer } = await rejected.next();
      expect([connection.service, reason, answer]).toEqual(['/talk/a', code, 'error']);
    });

    it('close their connection with 1007 where the service says so, and no other', async () => {
      const { service, closes } = talker(form, at('/talk/a'), { onInvalidMessage: 'close' });
      const server = await serve([service]);
      const rejected = watch(server.troupe, 'message.rejected');
      const alice = await connect(server.url('/talk/a'));
      const bob = await connect(server.url('/talk/a'));
      send(alice, { type: 'say', text: 5 });
      send(alice, { type: 'say', text: 'too late' });
      expect(await alice.closed).toEqual({ code: 1007, reason: 'invalid' });
      expect(await closes.next()).toBe(1007);
      expect(await rejected.next()).toMatchObject({ reason: 'invalid', type: 'say', issues: 1, answer: 'close' });
      send(bob, { type: 'say', text: 'marker' });
      expect([alice.messages.unread, await hear(bob)]).toEqual([[], said('marker')]);
    });

    it('leave every prototype as it was: such keys are data', async () => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const alice = await connect(server.url('/talk/a'));
      alice.send('{"type":"keys","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
      const { text } = (await hear(alice)) as { text: string };
      expect(text.split(',')).toEqual(expect.arrayContaining(['constructor', 'type']));
      expect('polluted' in {}).toBe(false);
      alice.send('{"type":"say","text":"one","text":"two"}');
      expect(await hear(alice)).toEqual(said('two'));
    });

    it('tell no more of it than a bounded part of what the schema says', async () => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const alice = await connect(server.url('/talk/a'));
      alice.send(JSON.stringify({ type: 'tell' }));
      const { issues } = (await hear(alice)) as { issues: { path: unknown; message: string }[] };
      expect(issues.map(({ path }) => path)).toEqual([['name'], ['group'], ['text']]);
    });
  });

  describe('that a client asks to be answered', () => {
    it('get what the service returns, under the id of the client', async () => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const alice = await connect(server.url('/talk/a'));
      send(alice, { type: 'add', id: 'first', a: 1, b: 2 });
      send(alice, { type: 'add', a: 1, b: 2 });
      send(alice, { type: 'add', id: 0, a: 3, b: 4 });
      expect([await hear(alice), await hear(alice)]).toEqual([
        { type: 'reply', id: 'first', result: 3 },
        { type: 'reply', id: 0, result: 7 },
      ]);
    });

    it('get a declared refusal as an error, and the connection goes on', async () => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const alice = await connect(server.url('/talk/a'));
      send(alice, { type: 'refuse', id: 1 });
      send(alice, { type: 'add', id: 2, a: 1, b: 1 });
      expect([await hear(alice), await hear(alice)]).toEqual([
        { type: 'error', id: 1, code: 'unwilling', message: 'Not today.', of: 'refuse' },
        { type: 'reply', id: 2, result: 2 },
      ]);
    });

    it('learn nothing of a failure, which ends the connection with 1011', async () => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const crashes = watch(server.troupe, 'connection.crashed');
      const alice = await connect(server.url('/talk/a'));
      const bob = await connect(server.url('/talk/a'));
      send(alice, { type: 'fail', id: 1 });
      const heard = await alice.untilClosed();
      expect(await alice.closed).toEqual({ code: 1011, reason: '' });
      expect(heard.join('\n')).not.toContain(secret);
      expect(heard.map((text) => JSON.parse(String(text)))).toEqual([
        { type: 'error', id: 1, code: 'internal', message: 'The request failed.', of: 'fail' },
      ]);
      expect(String((await crashes.next()).error)).toContain(secret);
      send(bob, { type: 'say', text: 'marker' });
      expect(await hear(bob)).toEqual(said('marker'));
    });
  });

  describe('that the service asks', () => {
    it('resolve with the reply, even where the handler waits for it', async () => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const alice = await connect(server.url('/talk/a'));
      send(alice, { type: 'ask', question: 'sure?', timeoutMs: 1000 });
      const { id, ...rest } = (await hear(alice)) as { id: number };
      expect(rest).toEqual({ type: 'confirm', question: 'sure?' });
      send(alice, { type: 'reply', id, result: true });
      expect(await hear(alice)).toEqual(said('sure: true'));
    });

    it.each([
      ['an error', (id: number) => ({ type: 'error', id, code: 'no' }), 'TROUPE_REQUEST_REFUSED'],
      ['what the schema refuses', (id: number) => ({ type: 'reply', id, result: 5 }), 'TROUPE_REPLY_INVALID'],
      ['nothing', (id: number) => ({ type: 'reply', id }), 'TROUPE_REPLY_INVALID'],
    ])('fail with a code when the answer is %s', async (_what, answer, code) => {
      const server = await serve([talker(form, at('/talk/a')).service]);
      const alice = await connect(server.url('/talk/a'));
      send(alice, { type: 'ask', question: 'sure?', timeoutMs: 1000 });
      const { id } = (await hear(alice)) as { id: number };
      send(alice, answer(id));
      expect(await hear(alice)).toEqual(said(code));
    });

    it('time out, and an answer that comes later is no message and gets no answer', async () => {
      const clock = new SimulatedClock();
      const server = await serve([talker(form, at('/talk/a')).service], { clock });
      const rejected = watch(server.troupe, 'message.rejected');
      const alice = await connect(server.url('/talk/a'));
      send(alice, { type: 'ask', question: 'sure?', timeoutMs: 1000 });
      const { id } = (await hear(alice)) as { id: number };
      expect(await advanceUntil(clock, hear(alice))).toEqual(said('TROUPE_REQUEST_TIMED_OUT'));
      send(alice, { type: 'reply', id, result: true });
      send(alice, { type: 'say', text: 'marker' });
      expect(await hear(alice)).toEqual(said('marker'));
      expect(await rejected.next()).toMatchObject({ reason: 'unexpected-reply', answer: 'nothing' });
    });

    it('end when the connection ends, which is no failure', async () => {
      const { service, closes } = talker(form, at('/talk/a'));
      const server = await serve([service]);
      const crashes = watch(server.troupe, 'connection.crashed');
      const alice = await connect(server.url('/talk/a'));
      send(alice, { type: 'ask', question: 'sure?', timeoutMs: 100_000 });
      await hear(alice);
      await alice.close(1000);
      expect([await closes.next(), crashes.all]).toEqual([1000, []]);
    });
  });

  it('that do not fit what is declared as outgoing fail at the call: 1011, and nothing of them is sent', async () => {
    const server = await serve([talker(form, at('/talk/a')).service]);
    const crashes = watch(server.troupe, 'connection.crashed');
    const alice = await connect(server.url('/talk/a'));
    send(alice, { type: 'blunder' });
    expect(await alice.untilClosed()).toEqual([]);
    expect(await alice.closed).toEqual({ code: 1011, reason: '' });
    expect((await crashes.next()).error).toMatchObject({ code: 'TROUPE_MESSAGE_INVALID' });
  });
});
