/** What viewers are shown of a connection for which its service has failed and has yet to begin anew. */
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { connect } from '../support/client.ts';
import { at } from '../support/forms.ts';
import { fragile } from '../support/fragile.ts';
import { advanceUntil, watch } from '../support/server.ts';
import { serveInspected } from './support.ts';

const path = '/test/websocket';

describe('a connection that waits for its restart', () => {
  it('is shown as one, in the counts, the lists and its chart, until it is open again', async () => {
    const clock = new SimulatedClock();
    const supervision = { onCrash: 'restart', backoff: { minMs: 10_000 } } as const;
    const { service } = fragile('machine', at(path), { supervision });
    const server = await serveInspected([service], true, { clock });
    const crashed = watch(server.troupe, 'connection.crashed');
    const restarted = watch(server.troupe, 'connection.restarted');
    const [waiting, other] = [await connect(server.url(path)), await connect(server.url(path))];
    expect([await waiting.next(), await other.next()]).toEqual(['opened', 'opened']);
    const viewer = await server.view();
    const listed = async (state: 'open' | 'restarting') => {
      const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections', state });
      return items as readonly { readonly id: string; readonly sessionId: string; readonly state: string }[];
    };
    const counted = (open: number, restarting: number) =>
      viewer.until('troupe.overview', ({ services: [one] }) => {
        const { state } = one!.connections;
        return state.open === open && state.restarting === restarting;
      });
    expect(await listed('open')).toHaveLength(2);

    waiting.send('fail');
    await crashed.next();
    // Viewers look in their own time, whatever the clock of the Troupe says.
    const { services } = await counted(1, 1);
    expect(services[0]!.connections.total).toBe(2);
    const [item] = await listed('restarting');
    expect(item).toMatchObject({ state: 'restarting' });
    expect(await listed('open')).toHaveLength(1);
    const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: item!.id });
    expect(connection.state).toBe('restarting');
    const { active } = await viewer.get('troupe.graph', { type: 'graph', of: item!.sessionId });
    expect(active).toContain('restarting');

    await advanceUntil(clock, restarted.next());
    expect(await listed('restarting')).toEqual([]);
  });
});
