import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { authenticated, defineService } from 'troupe';
import { connect } from '../support/client.ts';
import { at, forms } from '../support/forms.ts';
import { guarded } from '../support/guarded.ts';
import { serveInspected } from './support.ts';

const path = '/test/websocket';

describe.each(forms)('the auth of a connection to a service of %s', (form) => {
  it('is shown to no viewer, neither the first nor the one that takes its place', async () => {
    const { service } = guarded(form, at(path), {
      authenticate: () => authenticated({ user: 'hush-hush' }, { expiresAt: Date.now() + 300_000 }),
    });
    const server = await serveInspected([service]);
    const viewers = [await server.viewPlainly(), await server.view()];
    const client = await connect(server.url(path));
    await client.next();
    client.send('refresh hush-again 300000');
    await client.next();
    await client.close();

    for (const viewer of viewers) viewer.client.socket.ping('all told');
    for (const viewer of viewers) {
      await viewer.client.pongs.until((pong) => Buffer.from(pong).toString() === 'all told');
      const told = viewer.client.messages.all.map(String).join('\n');
      expect(told).toContain('@xstate.');
      expect(told).not.toContain('hush');
    }
  });
});

describe.each(forms)('a single connection to a service of %s', (form) => {
  it.each([
    ['said to be there', true, '[redacted object]'],
    ['shown where nothing is redacted', { redact: false }, { user: 'ada' }],
  ] as const)('has its auth %s', async (_how, inspector, auth) => {
    const { service } = guarded(form, at(path), { authenticate: () => ({ user: 'ada' }) });
    const server = await serveInspected([service], inspector);
    await connect(server.url(path));
    const viewer = await server.view();
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });

    expect(items).toMatchObject([{ state: 'open', inbound: 'flowing', authentication: 'authValid' }]);
    const { id } = items[0] as { readonly id: string };
    const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: id });
    expect(connection).toMatchObject({ id, auth, inbound: 'flowing', authentication: 'authValid', droppedPushes: 0 });
  });
});

it('shows the parameters of a path as they were sent, whatever a schema has made of them', async () => {
  const service = defineService({
    basePath: '/rooms/{room}',
    params: z.object({ room: z.coerce.number() }),
    onOpen: (connection) => connection.pushText(connection.params.room.toFixed()),
  });
  const server = await serveInspected([service]);
  expect(await (await connect(server.url('/rooms/07'))).next()).toBe('7');
  const viewer = await server.view();
  const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });

  const { id } = items[0] as { readonly id: string };
  const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: id });
  expect(connection.params).toEqual({ room: '07' });
  expect(connection).not.toHaveProperty('auth');
});
