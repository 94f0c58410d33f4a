import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { authenticated, type OutboundPolicy } from 'troupe';
import { connect } from '../support/client.ts';
import { at, forms, type Form } from '../support/forms.ts';
import { turn } from '../support/inbox.ts';
import { rawUpgrade } from '../support/raw.ts';
import { advance, advanceUntil, serve, watch } from '../support/server.ts';
import { hear, send, talker } from '../support/talker.ts';

// What is declared, and what waits for a slow reader, while the auth of a connection ends.

const path = '/test/websocket';
const quiet = { heartbeatIntervalMs: 0 };
const lifetimeMs = 300_000;

/** Somebody, for five minutes, who is warned one minute before. */
const soon = () => authenticated('ada', { expiresAt: Date.now() + lifetimeMs });

/** A connection that speaks declared messages, and whose auth is about to expire. */
async function enter(form: Form) {
  const clock = new SimulatedClock();
  const { service, closes } = talker(form, at(path), { authenticate: soon });
  const server = await serve([service], { clock, limits: quiet });
  const { troupe } = server;
  const changes = watch(troupe, 'connection.changed');
  const client = await connect(server.url(path));
  await advance(clock, lifetimeMs - 59_000, 1_000);
  await changes.until(({ authentication }) => authentication === 'expiring');
  return { clock, closes, client, troupe };
}

describe.each(forms)('declared messages, while the auth of a connection to a service of %s is expiring,', (form) => {
  it('are checked, replied to and asked for as before', async () => {
    const { client, troupe } = await enter(form);

    send(client, { type: 'say', text: 'x'.repeat(21) });
    expect(await hear(client)).toMatchObject({ type: 'error', code: 'invalid', of: 'say' });
    send(client, { type: 'add', id: 7, a: 2, b: 3 });
    expect(await hear(client)).toEqual({ type: 'reply', id: 7, result: 5 });
    send(client, { type: 'ask', question: 'sure?', timeoutMs: 50_000 });
    const { id } = (await hear(client)) as { readonly id: number };
    send(client, { type: 'reply', id, result: true });
    expect(await hear(client)).toEqual({ type: 'said', text: 'sure: true' });

    expect(troupe.connections(path).items[0]?.authentication).toBe('expiring');
  });

  it('that are requests of the service end with the connection, which is no failure', async () => {
    const { clock, closes, client, troupe } = await enter(form);
    const crashes = watch(troupe, 'connection.crashed');
    send(client, { type: 'ask', question: 'sure?', timeoutMs: 1_000_000 });
    expect(await hear(client)).toMatchObject({ type: 'confirm' });

    expect(await advanceUntil(clock, client.closed, { limitMs: 80_000, stepMs: 500 })).toMatchObject({ code: 3000 });
    expect(await closes.next()).toBe(3000);
    expect(crashes.all).toEqual([]);
  });
});

const limits = { ...quiet, highWaterMarkBytes: 256 * 1024, hardCapBytes: 4 * 1024 * 1024 };
const size = 32 * 1024;
/** More than the operating system takes for a socket, on both sides. */
const most = 3000;
const policies: readonly OutboundPolicy[] = ['close', 'drop', 'drop-oldest', 'latest'];

describe.each(policies)('what was pushed under the policy "%s" before the auth expired', (outboundPolicy) => {
  it.each(forms)('is all read by one that stalls, and then the close, of a service of %s', async (form) => {
    const clock = new SimulatedClock();
    const { service } = talker(form, at(path), { authenticate: soon });
    const { troupe, port } = await serve([service], { clock, limits: { ...limits, outboundPolicy } });
    const changes = watch(troupe, 'connection.changed');
    const stalled = await rawUpgrade(port, path);
    stalled.stall();
    const info = () => troupe.connections(path).items[0];

    let pushed = 0;
    const push = async (): Promise<string> => {
      const text = `${pushed++}:`.padEnd(size, 'x');
      const { status } = troupe.broadcastText(path, text, { key: `${pushed}` });
      await turn();
      return status;
    };
    for (let status = 'delivered'; status === 'delivered' && info()?.outbound === 'flowing';) {
      if (pushed === most) throw new Error('the server buffers without a bound');
      status = await push();
    }
    // These wait where they may be dropped, up to a mark that a few do not reach.
    const waits = outboundPolicy === 'drop-oldest' || outboundPolicy === 'latest';
    for (let left = waits ? 3 : 0; left > 0; left -= 1) expect(await push()).toBe('accepted');
    expect(info()).toMatchObject({ droppedPushes: 0 });
    expect(info()?.bufferedBytes).toBeGreaterThan(waits ? size * 3 : limits.highWaterMarkBytes);

    await advance(clock, lifetimeMs + 1_000, 1_000);
    await changes.until(({ state }) => state === 'closing');
    stalled.resume();
    const read: string[] = [];
    while (read.length < pushed) read.push((await stalled.nextText()).split(':', 1)[0]!);
    expect(read).toEqual(Array.from({ length: pushed }, (_, index) => `${index}`));
    expect(await stalled.closeCode()).toBe(3000);
    stalled.socket.end();
  });
});
