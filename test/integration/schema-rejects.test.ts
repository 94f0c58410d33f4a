import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineMessages, defineService } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { serve, watch } from '../support/server.ts';

// Zod begins an asynchronous schema twice when it is asked as a Standard Schema, and drops the first run: its rejection
// would be an unhandled one, which fails the run of these tests as it ends a process.

const path = '/names';

/** A refinement that cannot be made: what it asks is down. */
function down() {
  const asked: string[] = [];
  const name = z.string().refine(async (name: string) => {
    asked.push(name);
    if (name === 'alice') return true;
    throw new Error('the database is down');
  });
  return { name, asked };
}

it('a message whose zod schema rejects ends its connection alone, and the schema is run once', async () => {
  const { name, asked } = down();
  const service = defineService({
    basePath: path,
    messages: defineMessages({
      incoming: { take: z.object({ name }) },
      outgoing: { taken: z.object({ name: z.string() }) },
    }),
    onMessage: (connection, message) => connection.push({ type: 'taken', name: message.name }),
  });
  const server = await serve([service]);
  const crashed = watch(server.troupe, 'connection.crashed');
  const [stranger, alice] = [await connect(server.url(path)), await connect(server.url(path))];

  stranger.send(JSON.stringify({ type: 'take', name: 'mallory' }));

  expect(await crashed.next()).toMatchObject({ error: new Error('the database is down') });
  expect(await stranger.closed).toMatchObject({ code: 1011 });
  alice.send(JSON.stringify({ type: 'take', name: 'alice' }));
  expect(JSON.parse(String(await alice.next()))).toEqual({ type: 'taken', name: 'alice' });
  expect(asked).toEqual(['mallory', 'alice']);
});

it('a handshake whose zod schema rejects is answered with 500, and the next one is served', async () => {
  const { name } = down();
  const query = z.object({ name });
  const server = await serve([defineService({ basePath: path, query, onOpen: () => undefined })]);
  watch(server.troupe, 'callback.failed');
  expect(await refused(server.url(`${path}?name=mallory`))).toMatchObject({ status: 500 });
  await connect(server.url(`${path}?name=alice`));
});
