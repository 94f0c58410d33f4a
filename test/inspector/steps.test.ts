import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { defineService, type WsEvent } from 'troupe';
import { Steps, type Doing } from '../../src/inspector/steps.ts';
import { connect } from '../support/client.ts';
import { serveInspected } from './support.ts';

const actorRef = {};
const doing = (type: Doing['type'], event: object): Doing => ({ type, event, actorRef });
const sent = (event: object): Doing => doing('@xstate.event', event);
const step = (event: object): Doing => doing('@xstate.microstep', event);
const dealtWith = (event: object): Doing => doing('@xstate.snapshot', event);

describe('the number of a step', () => {
  it.each([
    ['an event and all that comes of it', [sent, step, step, dealtWith], [1, 1, 1, 1]],
    [
      'the same event, sent again and again before it is dealt with',
      [sent, sent, dealtWith, sent, dealtWith, dealtWith],
      [1, 2, 1, 3, 2, 3],
    ],
    ['what nobody has sent', [dealtWith, step, dealtWith, sent, dealtWith], [1, 2, 2, 3, 3]],
  ])('is told apart for %s', (_what, doings, numbers) => {
    const steps = new Steps();
    const event = { type: 'ring' };
    expect(doings.map((make) => steps.numberOf(make(event)))).toEqual(numbers);
  });

  it('is that of the event in which a machine raises another one', () => {
    const steps = new Steps();
    const [open, raised] = [{ type: 'open' }, { type: 'raised' }];
    const all = [sent(open), sent(raised), step(open), step(raised), dealtWith(open), step(raised), dealtWith(raised)];
    expect(all.map((doing) => steps.numberOf(doing))).toEqual([1, 2, 1, 1, 1, 2, 2]);
  });

  it('is a new one when the actor is looked at again, and what was left then waits for nothing', () => {
    const steps = new Steps();
    const event = { type: 'ring' };
    expect(steps.numberOf(sent(event))).toBe(1);
    steps.begin(actorRef);
    expect([sent, dealtWith].map((make) => steps.numberOf(make(event)))).toEqual([2, 2]);
  });

  it('counts each actor by itself', () => {
    const steps = new Steps();
    expect([steps.numberOf(sent({})), steps.numberOf({ ...sent({}), actorRef: {} })]).toEqual([1, 1]);
  });
});

describe('a viewer that is not told everything', () => {
  it('can still tell which snapshot belongs to which event', async () => {
    const last = defineService({
      basePath: '/last',
      machine: setup({
        types: {} as { context: { last: string }; events: WsEvent },
        actions: { keep: assign({ last: ({ event }) => ('text' in event ? event.text : '') }) },
      }).createMachine({ id: 'last', context: { last: '' }, on: { 'ws.text': { actions: 'keep' } } }),
    });
    const server = await serveInspected([last], { redact: false, maxEventsPerSecond: 20 });
    const viewer = await server.view();
    const client = await connect(server.url('/last'));
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
    const { id } = items[0] as { id: string };
    const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: id });
    const { sessionId } = connection.actors.find(({ role }) => role === 'service')!;
    await viewer.get('troupe.watching', { type: 'watch', actors: [sessionId] });
    for (let count = 0; count < 50; count++) client.send(`early ${count}`);
    await viewer.until('troupe.dropped');
    for (let count = 0; count < 5; count++) client.send(`late ${count}`);
    await viewer.until('@xstate.snapshot', ({ event }) => event['text'] === 'late 4');
    const texts = new Map<number, unknown>();
    let pairs = 0;
    for (const frame of viewer.all) {
      if (frame.type === '@xstate.event') texts.set(frame.step, frame.event['text']);
      if (frame.type !== '@xstate.snapshot' || !texts.has(frame.step)) continue;
      expect(texts.get(frame.step)).toBe(frame.event['text']);
      pairs++;
    }
    expect(pairs).toBeGreaterThanOrEqual(5);
    expect(new Set(texts.keys()).size).toBe(new Set(texts.values()).size);
  });
});
