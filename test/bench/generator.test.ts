import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { openAll } from '../../bench/generator/connections.ts';
import { Audience } from '../../bench/workloads/broadcast.ts';
import { Echo } from '../../bench/workloads/echo.ts';
import { FrameRing, messagesInRing } from '../../bench/generator/sequence.ts';
import { within } from '../../bench/deadline.ts';
import { textOf } from '../../bench/payload.ts';

// A figure counts only if every message came, unaltered and in order. So here are servers that fail at that.

type Answer = (socket: WebSocket, text: string, number: number) => void;

/** A server that answers with `answer`, and one connection of the generator. */
async function converse(answer: Answer, { connections: count = 1 } = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  server.on('connection', (socket) => {
    let number = 0;
    socket.on('message', (data: Buffer) => answer(socket, data.toString(), number++));
  });
  await once(server, 'listening');
  const connections = await openAll({ server: 'ws', port: (server.address() as AddressInfo).port }, count);
  onTestFinished(() => {
    for (const connection of connections) connection.destroy();
  });
  return { server, connections };
}

async function echo(messages: number, answer: Answer): Promise<void> {
  const { connections } = await converse(answer);
  await Promise.all(connections.map((connection, index) => new Echo('ws', connection, index, 16).run(messages)));
}

const honest: Answer = (socket, text) => socket.send(text);

describe('the generator', () => {
  it('takes a faithful echo, beyond one round of the sequence numbers', async () => {
    await expect(echo(5 * messagesInRing + 7, honest)).resolves.toBeUndefined();
  });

  it('takes pings between the messages and answers them', async () => {
    const pongs: string[] = [];
    await echo(100, (socket, text, number) => {
      if (number === 20) socket.on('pong', (data) => pongs.push(data.toString())).ping('still there?');
      socket.send(text);
    });
    expect(pongs).toEqual(['still there?']);
  });

  it('refuses an altered message', async () => {
    const altering: Answer = (socket, text, number) => socket.send(number === 30 ? text.replace('fox', 'fax') : text);
    await expect(echo(100, altering)).rejects.toThrow(/connection n0, message 30: expected .*fox.* got .*fax/);
  });

  it('refuses a message that is shorter or longer than it was', async () => {
    const cutting: Answer = (socket, text, number) => socket.send(number === 30 ? text.slice(1) : text);
    await expect(echo(100, cutting)).rejects.toThrow('message 30');
    const adding: Answer = (socket, text, number) => socket.send(number === 30 ? `${text}!` : text);
    await expect(echo(100, adding)).rejects.toThrow('message 30');
  });

  it('refuses the message after a lost one', async () => {
    const losing: Answer = (socket, text, number) => void (number !== 30 && socket.send(text));
    await expect(echo(100, losing)).rejects.toThrow(/message 30: expected .*0000000030.* got .*0000000031/);
  });

  it('refuses messages that overtook each other', async () => {
    let held = '';
    const swapping: Answer = (socket, text, number) => {
      if (number === 30) held = text;
      else socket.send(text);
      if (number === 31) socket.send(held);
    };
    await expect(echo(100, swapping)).rejects.toThrow('message 30');
  });

  it('refuses a message that comes twice', async () => {
    const doubling: Answer = (socket, text, number) => {
      socket.send(text);
      if (number === 30) socket.send(text);
    };
    await expect(echo(100, doubling)).rejects.toThrow('message 31');
  });

  it('refuses binary in place of text', async () => {
    const retyping: Answer = (socket, text, number) => socket.send(number === 30 ? Buffer.from(text) : text);
    await expect(echo(100, retyping)).rejects.toThrow('message 30');
  });

  it('says so when the server closes or breaks off', async () => {
    await expect(echo(100, (socket) => socket.close(1011, 'sorry'))).rejects.toThrow(
      'closed connection n0: 1011 sorry',
    );
    await expect(echo(100, (socket) => socket.terminate())).rejects.toThrow('the server ended connection n0');
  });

  it('notices the message of another connection', async () => {
    const { server, connections } = await converse(
      (socket, text, number) => {
        const other = [...server.clients].find((one) => one !== socket);
        (number === 5 ? (other ?? socket) : socket).send(text);
      },
      { connections: 2 },
    );
    const echoes = connections.map((connection, index) => new Echo('ws', connection, index, 16).run(100));
    await expect(Promise.all(echoes)).rejects.toThrow(/expected .* n[01] .* got .* n[01] /);
  });

  it('does not wait for ever for a message that is lost at the end', async () => {
    const losing: Answer = (socket, text, number) => void (number !== 99 && socket.send(text));
    await expect(within(50, 'the echo', echo(100, losing))).rejects.toThrow('the echo did not come within 50 ms');
  });
});

describe('an audience', () => {
  it('has received when everybody has, and refuses a broadcast that one of them saw twice', async () => {
    const { server, connections } = await converse(honest, { connections: 3 });
    const texts = Array.from({ length: messagesInRing }, (_, sequence) => textOf(sequence, 128));
    const audience = new Audience(connections, () => FrameRing.fromServer(texts));
    const broadcast = (text: string): void => {
      for (const socket of server.clients) socket.send(text);
    };
    const first = audience.receives(3);
    broadcast(textOf(0, 128));
    await first;
    const second = audience.receives(3);
    [...server.clients][1]?.send(textOf(0, 128));
    broadcast(textOf(1, 128));
    await expect(second).rejects.toThrow('connection n1, message 1');
  });
});
