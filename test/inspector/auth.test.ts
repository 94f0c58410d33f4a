import { describe, expect, it } from 'vitest';
import { authenticated } from 'troupe';
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
