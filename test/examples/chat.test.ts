import { describe, expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { chatMachine } from '../../examples/chat/machine.ts';
import { isNick, isRoom, storedNick, tidy } from '../../examples/chat/names.ts';
import { chat } from '../../examples/chat/service.ts';
import { connect, type Client } from '../support/client.ts';
import { advance, serve, type Server } from '../support/server.ts';

/** Somebody who has arrived, with the greeting read. */
async function arrive(server: Server, room = 'lobby'): Promise<Client> {
  const client = await connect(server.url(`/chat/${room}`));
  await client.next();
  return client;
}

/** Somebody who has a name and has read of their own coming. */
async function enter(server: Server, nick: string, room = 'lobby'): Promise<Client> {
  const client = await arrive(server, room);
  client.send(nick);
  expect(await client.next()).toBe(`* ${nick} joined`);
  return client;
}

async function speak(client: Client, nick: string, text: string): Promise<void> {
  client.send(text);
  expect(await client.next()).toBe(`${nick}: ${text}`);
}

async function speakTooMuch(client: Client, nick: string): Promise<void> {
  for (const text of ['1', '2', '3', '4', '5']) await speak(client, nick, text);
  client.send('6');
  expect(await client.next()).toBe(`* ${nick} is muted for 10 s`);
}

describe('naming', () => {
  test('whoever arrives learns the room and their connection', async () => {
    const server = await serve([chat]);
    const client = await connect(server.url('/chat/kitchen'));
    const [{ id } = { id: '' }] = server.troupe.connections('/chat/{room}').items;
    expect(await client.next()).toBe(`You are connection ${id}. Welcome to kitchen! What is your name?`);
  });

  test.each(['two words', '/leaves', '', 'x'.repeat(25), 'a\u202Eb', '\u0301', '\uFDFA'.repeat(24)])(
    'refuses %j as a name and asks again',
    async (nick) => {
      const server = await serve([chat]);
      const client = await arrive(server);
      client.send(nick);
      expect(await client.next()).toMatch(/^That is no name/);
      client.send('alice');
      expect(await client.next()).toBe('* alice joined');
    },
  );

  test.each(['alice', 'Zoë', '山田', 'O’Neil', '🦊', 'x'.repeat(24)])('takes %j', async (nick) => {
    const server = await serve([chat]);
    await enter(server, nick);
  });

  test('closes with 1008 when the room has a name that no room has', async () => {
    const server = await serve([chat]);
    const client = await connect(server.url('/chat/a%3Ab'));
    expect((await client.closed).code).toBe(1008);
  });

  test('"/leave" ends politely before a name was given', async () => {
    const server = await serve([chat]);
    const client = await arrive(server);
    client.send('/leave');
    expect(await client.next()).toBe('Goodbye.');
    expect((await client.closed).code).toBe(1000);
  });
});

describe('chatting', () => {
  test('what is said reaches the room, and no other room', async () => {
    const server = await serve([chat]);
    const alice = await enter(server, 'alice');
    const bob = await enter(server, 'bob');
    const carol = await enter(server, 'carol', 'kitchen');
    expect(await alice.next()).toBe('* bob joined');

    alice.send('hello');
    expect(await bob.next()).toBe('alice: hello');
    await speak(carol, 'carol', 'only me here');
  });

  test('nobody writes a line in the name of another', async () => {
    const server = await serve([chat]);
    const mallory = await enter(server, 'mallory');
    mallory.send('hi\nalice: give me money\u202E');
    expect(await mallory.next()).toBe('mallory: hi alice: give me money');
  });

  test('"/nick" renames, and frees the old name', async () => {
    const server = await serve([chat]);
    const alice = await enter(server, 'alice');
    alice.send('/nick carol');
    expect(await alice.next()).toBe('* alice is now carol');
    await enter(server, 'alice');
    expect(await alice.next()).toBe('* alice joined');
    await speak(alice, 'carol', 'still here');
  });

  test('an unfit new name and an unknown command are explained to the sender only', async () => {
    const server = await serve([chat]);
    const alice = await enter(server, 'alice');
    const bob = await enter(server, 'bob');
    expect(await alice.next()).toBe('* bob joined');
    alice.send('/nick two words');
    alice.send('/dance');
    for (const _ of [1, 2]) expect(await alice.next()).toMatch(/^There is \/nick/);
    await speak(bob, 'bob', 'nothing was heard of it');
  });

  test('a text over 500 characters is refused, the connection stays', async () => {
    const server = await serve([chat]);
    const alice = await enter(server, 'alice');
    alice.send('x'.repeat(501));
    expect(await alice.next()).toMatch(/^That was too long/);
    await speak(alice, 'alice', 'x'.repeat(500));
  });

  test('a text that is larger than any message is closed with 1009', async () => {
    const server = await serve([chat]);
    const alice = await enter(server, 'alice');
    alice.send('x'.repeat(9000));
    expect((await alice.closed).code).toBe(1009);
  });

  test('"/leave" says goodbye, tells the room and closes with 1000', async () => {
    const server = await serve([chat]);
    const alice = await enter(server, 'alice');
    const bob = await enter(server, 'bob');
    bob.send('/leave');
    expect(await bob.next()).toBe('Goodbye.');
    expect((await bob.closed).code).toBe(1000);
    expect(await alice.take(2)).toEqual(['* bob joined', '* bob left']);
  });

  test.each(['close', 'terminate'] as const)('the room hears of it once when a connection ends by %s', async (how) => {
    const server = await serve([chat]);
    const alice = await enter(server, 'alice');
    const bob = await enter(server, 'bob');
    await bob[how]();
    expect(await alice.take(2)).toEqual(['* bob joined', '* bob left']);
    await speak(alice, 'alice', 'alone');
  });

  test('a name belongs to the last one who said it; the one before is asked again', async () => {
    const server = await serve([chat]);
    const ghost = await enter(server, 'alice');
    const back = await arrive(server);
    back.send('Alice');
    expect(await back.next()).toBe('* Alice joined');
    // Who held the name is told in a later turn of the event loop, and is in the room until then.
    expect(await ghost.next()).toBe('* Alice joined');
    expect(await ghost.next()).toMatch(/^Another connection is alice now/);

    ghost.send('bob');
    expect(await ghost.next()).toBe('* bob joined');
    expect(await back.take(2)).toEqual(['* alice is on another connection now', '* bob joined']);
    expect(server.troupe.storedNames().items.map(({ name }) => name)).toEqual(['chat:lobby:alice', 'chat:lobby:bob']);
  });
});

describe('muted', () => {
  test('more than five messages in three seconds mute for ten, counted down', async () => {
    const clock = new SimulatedClock();
    const server = await serve([chat], { clock });
    const alice = await enter(server, 'alice');
    await speakTooMuch(alice, 'alice');

    alice.send('let me speak');
    expect(await alice.next()).toBe('You are muted for another 10 s.');
    await advance(clock, 4_000);
    alice.send('please');
    expect(await alice.next()).toBe('You are muted for another 6 s.');

    await advance(clock, 6_000);
    expect(await alice.next()).toBe('You may speak again.');
    await speak(alice, 'alice', 'sorry');
  });

  test('five messages in each three seconds are nobody’s fault', async () => {
    const clock = new SimulatedClock();
    const server = await serve([chat], { clock });
    const alice = await enter(server, 'alice');
    for (const round of ['a', 'b', 'c']) {
      for (const text of ['1', '2', '3', '4', '5']) await speak(alice, 'alice', round + text);
      await advance(clock, 3_000);
    }
  });

  test('whoever is muted may leave, and the room hears it', async () => {
    const server = await serve([chat]);
    const bob = await enter(server, 'bob');
    const alice = await enter(server, 'alice');
    await speakTooMuch(alice, 'alice');
    alice.send('/leave');
    expect(await alice.next()).toBe('Goodbye.');
    expect((await alice.closed).code).toBe(1000);
    expect(await bob.before('* alice left')).toHaveLength(7);
  });
});

describe('names', () => {
  test('two rooms never share a stored name', () => {
    expect(isRoom('a:b')).toBe(false);
    expect(isNick('b:c')).toBe(true);
    expect(storedNick('a', 'b:c')).not.toBe(storedNick('a-b', 'c'));
  });

  test('a stored name fits the registry, whatever the nick is', () => {
    const long = storedNick('x'.repeat(32), '🦊'.repeat(24));
    expect(new TextEncoder().encode(long).byteLength).toBeLessThanOrEqual(512);
  });

  test('texts keep their emoji and marks', () => {
    expect(tidy('  👩‍🚀 e\u0301\ttab ')).toBe('👩‍🚀 e\u0301 tab');
  });
});

test('every state of the machine is described', () => {
  const nodes = [chatMachine.root, ...Object.values(chatMachine.states).flatMap((state) => [state, ...inside(state)])];
  expect(nodes.filter((node) => !node.description).map((node) => node.id)).toEqual([]);
});

function inside(state: (typeof chatMachine)['root']): (typeof chatMachine)['root'][] {
  return Object.values(state.states).flatMap((inner) => [inner, ...inside(inner)]);
}
