/** The page's own store on a real inspector, without a browser. */
import { assign, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { defineService, type WsEvent } from 'troupe';
import type { State } from '../../../src/inspector/page/state/model.ts';
import type { Step } from '../../../src/inspector/page/state/watched.ts';
import { connect } from '../../support/client.ts';
import { serveInspected } from '../support.ts';
import { open } from './opened.ts';

/** Its context says which text was the last. */
const last = () =>
  defineService({
    basePath: '/last',
    machine: setup({
      types: {} as { context: { last: string }; events: WsEvent },
      actions: { keep: assign({ last: ({ event }) => ('text' in event ? event.text : '') }) },
    }).createMachine({ id: 'last', context: { last: '' }, on: { 'ws.text': { actions: 'keep' } } }),
  });

const stepsOf = ({ focus }: State): readonly Step[] =>
  Array.from(focus?.watched.values() ?? []).flatMap(({ steps }) => steps.items);
const textOf = ({ event }: Step): unknown => event['text'];
const lastOf = ({ snapshot }: Step): unknown => (snapshot?.context as { last?: unknown } | undefined)?.last;

/** Two pages look while more happens than they may be told; what they have recorded then. */
async function recorded(maxEventsPerSecond: number): Promise<readonly State[]> {
  const server = await serveInspected([last()], { redact: false, maxEventsPerSecond });
  const client = await connect(server.url('/last'));
  const viewer = await server.view();
  const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
  const { id } = items[0] as { id: string };
  const pages = [open(server.viewersUrl, `#/connection/${id}`), open(server.viewersUrl, `#/connection/${id}`)];
  const isLooking = ({ focus }: State): boolean => focus?.watching?.request === undefined && focus?.watched.size === 2;
  for (const page of pages) await page.until(isLooking);
  for (let count = 0; count < 50; count++) client.send(`burst ${count}`);
  for (const page of pages) await page.until((state) => stepsOf(state).some(({ isFound }) => isFound));
  client.send('calm');
  for (const page of pages) await page.until((state) => stepsOf(state).some((step) => lastOf(step) === 'calm'));
  return pages.map(({ store }) => store.state);
}

describe('two pages that look at one connection', () => {
  it('show each event with its own state, wherever it was in a burst that they were told no more', async () => {
    // Wherever: after the event, after the edges, after the snapshot, of either actor.
    const limits = [50, 51, 52, 53, 54, 55, 56, 57, 58];
    for (const state of (await Promise.all(limits.map(recorded))).flat()) {
      const steps = stepsOf(state).filter((step) => lastOf(step) !== undefined && textOf(step) !== undefined);
      expect(steps.length).toBeGreaterThan(2);
      expect(steps.map(lastOf)).toEqual(steps.map(textOf));
      expect(state.dropped.count).toBeGreaterThan(0);
    }
  });
});
