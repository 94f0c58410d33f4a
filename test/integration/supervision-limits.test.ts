/** Limits hold for a connection whether or not its service has just failed: in each of the three forms. */
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Limits, OutboundPolicy } from 'troupe';
import { connect } from '../support/client.ts';
import { at, forms } from '../support/forms.ts';
import { fragile } from '../support/fragile.ts';
import { turn } from '../support/inbox.ts';
import { rawUpgrade } from '../support/raw.ts';
import { advance, advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/websocket';
const waitMs = 2_000;
const size = 32 * 1024;
/** More than the operating system takes for a socket, on both sides. */
const most = 3000;
const outbound = { highWaterMarkBytes: 256 * 1024, hardCapBytes: 4 * 1024 * 1024 };

describe.each(forms)('a connection to a service of %s that waits to be restarted', (form) => {
  async function begin(limits: Partial<Limits>) {
    const clock = new SimulatedClock();
    const supervision = { onCrash: 'restart', backoff: { minMs: waitMs, jitter: 0 } } as const;
    const { service } = fragile(form, at(path), { supervision });
    const server = await serve([service], { clock, limits: { heartbeatIntervalMs: 0, ...limits } });
    const restarted = watch(server.troupe, 'connection.restarted');
    const crashes = watch(server.troupe, 'connection.crashed');
    return { clock, server, restarted, crashes };
  }

  it('has the tokens that it had left, and no more', async () => {
    const { clock, server, restarted } = await begin({ messageRate: { perSecond: 0.001, burst: 3 } });
    const client = await connect(server.url(path));
    for (const text of ['fail', 'a']) client.send(text);
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    expect(await client.take(3)).toEqual(['opened', 'opened', 'a']);
    client.send('b');
    expect(await client.next()).toBe('b');
    client.send('one too many');
    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it('is closed with 1008 when it sends too much', async () => {
    const { clock, server, restarted } = await begin({ messageRate: { perSecond: 1, burst: 2 } });
    const client = await connect(server.url(path));
    for (const text of ['fail', 'a', 'one too many']) client.send(text);
    expect(await client.closed).toMatchObject({ code: 1008 });
    await advance(clock, 2 * waitMs);
    expect(restarted.all).toEqual([]);
    expect(client.messages.all).toEqual(['opened']);
  });

  it('loses nothing of what is held back meanwhile', async () => {
    const { clock, server, restarted } = await begin({ messageRate: { perSecond: 1, burst: 1, excess: 'hold' } });
    const client = await connect(server.url(path));
    for (const text of ['fail', 'a', 'b', 'c', 'd']) client.send(text);
    // Some are let in before it is restarted, and some afterwards.
    expect(await advanceUntil(clock, client.take(6), { stepMs: 100 })).toEqual([
      'opened',
      'opened',
      'a',
      'b',
      'c',
      'd',
    ]);
    expect(restarted.all).toHaveLength(1);
  });

  /** Fails, and stops reading. Answers how often it was broadcast to until it was congested. */
  async function congest(outboundPolicy: OutboundPolicy) {
    const begun = await begin({ ...outbound, outboundPolicy });
    const { server, crashes } = begun;
    const client = await rawUpgrade(server.port, path);
    expect(await client.nextText()).toBe('opened');
    client.text('fail');
    await crashes.next();
    client.stall();
    const info = () => server.troupe.connections(path).items[0];
    const broadcast = (index: number) => server.troupe.broadcastText(path, `${index}:`.padEnd(size, 'x'));
    let count = 0;
    for (; info()?.outbound !== 'congested' && count < most; count += 1) {
      broadcast(count);
      await turn();
    }
    return { ...begun, client, info, broadcast, count };
  }

  it('is closed with 1013 under the policy "close" when it is pushed more than it reads', async () => {
    const { clock, client, info, broadcast, count, restarted } = await congest('close');
    expect(broadcast(count)).toMatchObject({ status: 'congested' });
    await turn();
    expect(info()).toBeUndefined();
    client.resume();
    expect(await client.closeCode()).toBe(1013);
    client.destroy();
    await advance(clock, 2 * waitMs);
    expect(restarted.all).toEqual([]);
  });

  it('keeps what waits for it under the policy "drop-oldest", and gets it before what it is told anew', async () => {
    const { clock, client, info, broadcast, count, restarted } = await congest('drop-oldest');
    const further = 20;
    for (let index = count; index < count + further; index += 1) {
      expect(broadcast(index)).toMatchObject({ status: 'accepted' });
    }
    const { droppedPushes } = info()!;
    expect(droppedPushes).toBeGreaterThan(0);
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    expect(info()?.outbound).toBe('congested');

    client.resume();
    const read: number[] = [];
    for (let text = await client.nextText(); text !== 'opened'; text = await client.nextText()) {
      read.push(Number(text.split(':', 1)[0]));
    }

    expect(read.at(-1)).toBe(count + further - 1);
    expect(read).toEqual(read.toSorted((a, b) => a - b));
    // What it is told anew may have made room for itself.
    expect(read).toHaveLength(count + further - info()!.droppedPushes);
  });

  it('loses under the policy "drop" what it is pushed too much, also of what it is told anew, and nothing else', async () => {
    const { clock, client, info, broadcast, count, restarted } = await congest('drop');
    expect(broadcast(count)).toMatchObject({ status: 'congested' });
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    // The second is that it was opened again.
    expect(info()).toMatchObject({ outbound: 'congested', droppedPushes: 2 });

    client.resume();
    for (let index = 0; index < count; index += 1)
      expect((await client.nextText()).split(':', 1)).toEqual([`${index}`]);
    client.text('well');
    expect(await client.nextText()).toBe('well');
  });

  it('gets under the policy "latest" the last of each key, before what it is told anew', async () => {
    const { clock, server, client, count, restarted } = await congest('latest');
    for (let price = 0; price < 20; price += 1) {
      expect(server.troupe.broadcastText(path, `price ${price}`, { key: 'price' })).toMatchObject({
        status: 'accepted',
      });
    }
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });

    client.resume();
    for (let index = 0; index < count; index += 1)
      expect((await client.nextText()).split(':', 1)).toEqual([`${index}`]);
    expect([await client.nextText(), await client.nextText()]).toEqual(['price 19', 'opened']);
  });
});
