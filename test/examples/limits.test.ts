import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { path, prices, publish } from '../../examples/limits/service.ts';
import { connect } from '../support/client.ts';
import { advance, serve } from '../support/server.ts';

describe('the prices', () => {
  it('are told to who wants them', async () => {
    const server = await serve([prices]);
    const client = await connect(server.url(path));
    publish(server.troupe, 'tea', 450);
    expect(await client.next()).toBe('{"name":"tea","cents":450}');
    client.send('stop');
    await client.ping();
    publish(server.troupe, 'tea', 460);
    client.send('start');
    await client.ping();
    publish(server.troupe, 'tea', 470);
    expect(await client.next()).toBe('{"name":"tea","cents":470}');
  });

  it('turn away who sends too fast', async () => {
    const server = await serve([prices]);
    const client = await connect(server.url(path));
    for (let index = 0; index < 20; index++) client.send('start');
    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it('turn away who has too many connections', async () => {
    const server = await serve([prices]);
    await Promise.all(Array.from({ length: 20 }, () => connect(server.url(path))));
    await expect(connect(server.url(path))).rejects.toThrow('429');
  });

  it('make room for others when nothing is said for a minute', async () => {
    const clock = new SimulatedClock();
    const server = await serve([prices], { clock });
    const client = await connect(server.url(path));
    await advance(clock, 61_000, 1_000);
    expect(await client.closed).toMatchObject({ code: 1000, reason: 'nothing was said for a minute' });
  });
});
