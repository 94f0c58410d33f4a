/**
 * What an idle connection takes with TLS, which the benchmark itself does without: `npx tsx bench/secured.ts [rounds]`.
 *
 * Each figure comes from two new processes, a server and its 5 000 clients: resident memory of the server after garbage
 * collection with all connections open, less that before, when it had served 500 others already. TLS is that of
 * Node.js with its own settings, over 127.0.0.1, with a certificate on P-256; no client resumes a session.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createPlain } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { connect as connectPlain, type AddressInfo, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { createTroupe, defineService, serviceSetup } from '../src/index.ts';
import { certificate } from '../test/support/certificate.ts';

const connections = 5_000;
const warmUp = 500;
/** TLS handshakes that are under way at once. */
const atOnce = 50;

const kinds = ['ws', 'handlers', 'machine'] as const;
type Kind = (typeof kinds)[number];

async function listen(kind: Kind, isSecure: boolean): Promise<number> {
  const tls = isSecure ? certificate() : undefined;
  if (kind === 'ws') {
    const server = tls === undefined ? createPlain() : createSecure(tls);
    new WebSocketServer({ server }).on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  const machine = serviceSetup().createMachine({
    on: { 'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: event.text }) } } },
  });
  const service =
    kind === 'machine'
      ? defineService({ basePath: '/', machine })
      : defineService({ basePath: '/', onTextMessage: (connection, text) => connection.pushText(text) });
  const troupe = createTroupe({ services: [service] });
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1', ...(tls && { tls }) });
  return port;
}

/** What is left after garbage collection, which takes a few passes until finalisers have run. */
async function residentKiB(): Promise<number> {
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().rss / 1024;
}

async function open(port: number, isSecure: boolean): Promise<Socket> {
  const target = { port, host: '127.0.0.1' };
  const socket = isSecure ? connectSecure({ ...target, rejectUnauthorized: false }) : connectPlain(target);
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`refused: ${answer.toString()}`);
  return socket;
}

async function openAll(port: number, isSecure: boolean, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: atOnce }, () => open(port, isSecure)))));
  }
  return sockets;
}

/** What the two processes of a measurement are asked, one thing at a time; they answer with a number. */
type Order =
  | readonly ['listen', Kind, boolean]
  | readonly ['memory']
  | readonly ['open', number, boolean, number]
  | readonly ['close'];

const held: Socket[] = [];

async function obey(order: Order): Promise<number> {
  switch (order[0]) {
    case 'listen':
      return listen(order[1], order[2]);
    case 'memory':
      return residentKiB();
    case 'open':
      held.push(...(await openAll(order[1], order[2], order[3])));
      return held.length;
    case 'close':
      for (const socket of held.splice(0)) {
        socket.destroy();
        await once(socket, 'close');
      }
      return 0;
  }
}

async function ask(child: ChildProcess, ...order: Order): Promise<number> {
  child.send(order);
  const [answer] = (await once(child, 'message')) as [number];
  return answer;
}

async function measure(kind: Kind, isSecure: boolean): Promise<number> {
  const start = (): ChildProcess =>
    fork(fileURLToPath(import.meta.url), ['child'], { execArgv: [...process.execArgv, '--expose-gc'] });
  const [server, clients] = [start(), start()];
  try {
    const port = await ask(server, 'listen', kind, isSecure);
    await ask(clients, 'open', port, isSecure, warmUp);
    await ask(clients, 'close');
    const before = await ask(server, 'memory');
    const count = await ask(clients, 'open', port, isSecure, connections);
    return ((await ask(server, 'memory')) - before) / count;
  } finally {
    server.kill();
    clients.kill();
  }
}

async function main(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const isSecure of [false, true]) {
      for (const kind of kinds) {
        const kib = await measure(kind, isSecure);
        process.stdout.write(`${isSecure ? 'TLS' : 'plain'} ${kind}: ${kib.toFixed(1)} KiB\n`);
      }
    }
  }
}

const [role = '1'] = process.argv.slice(2);
if (role === 'child') {
  process.on('message', (order: Order) => {
    obey(order).then(
      (answer) => process.send?.(answer),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  });
} else await main(Number(role));
