import { expect, test } from 'vitest';
import { HelloWorld } from '../../examples/hello/service.ts';
import { connect } from '../support/client.ts';
import { serve } from '../support/server.ts';

test('whoever joins reads their own coming first', async () => {
  const server = await serve([HelloWorld]);
  const alice = await connect(server.url('/test/websocket'));
  const [{ id } = { id: '' }] = server.troupe.connections('/test/websocket').items;
  expect(await alice.next()).toBe(`${id} joined`);
});

test('a text comes back to its sender only', async () => {
  const server = await serve([HelloWorld]);
  const alice = await connect(server.url('/test/websocket'));
  const bob = await connect(server.url('/test/websocket'));
  const aliceHears = await alice.take(2);
  await bob.next();
  expect(aliceHears[1]).toMatch(/^\S+ joined$/);

  bob.send('is anybody here?');
  expect(await bob.next()).toBe('is anybody here?');
  alice.send('marker');
  expect(await alice.next()).toBe('marker');
});

test('the others hear who left', async () => {
  const server = await serve([HelloWorld]);
  const alice = await connect(server.url('/test/websocket'));
  await alice.next();
  const bob = await connect(server.url('/test/websocket'));
  const joined = String(await alice.next());

  expect(await bob.close(1000)).toEqual({ code: 1000, reason: '' });
  expect(await alice.next()).toBe(joined.replace('joined', 'left'));
});
