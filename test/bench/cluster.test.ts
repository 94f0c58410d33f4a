import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { isMember, roomOf } from '../../bench/cluster/contract.ts';
import { Count } from '../../bench/cluster/count.ts';
import { startEngine } from '../../bench/cluster/engines.ts';
import { Pairs } from '../../bench/cluster/pairs.ts';
import { dialectOf } from '../../bench/generator/dialect.ts';
import { RawConnection } from '../../bench/generator/raw-connection.ts';
import { PeerMissing } from '../../bench/servers/peers.ts';
import { workloads } from '../../bench/workloads/index.ts';

type Relay = (member: WebSocket, text: string, number: number) => void;

/** Two pairs over a server that hands the texts of the senders to `relay`. */
async function pairsOver(relay: Relay): Promise<Pairs> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const members = new Map<string, WebSocket>();
  let number = 0;
  server.on('connection', (socket, { url = '' }) => {
    const path = url.slice(1);
    if (isMember(path)) members.set(roomOf(path), socket);
    else socket.on('message', (data: Buffer) => relay(members.get(roomOf(path))!, data.toString(), number++));
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = async (name: string): Promise<RawConnection> => {
    const connection = new RawConnection({ port, dialect: dialectOf('ws'), label: name, name });
    await connection.opened;
    return connection;
  };
  const receivers = await Promise.all(['m0', 'm1'].map(open));
  const senders = await Promise.all(['s0', 's1'].map(open));
  onTestFinished(() => {
    for (const connection of [...receivers, ...senders]) connection.destroy();
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return new Pairs('ws', senders, receivers, 128);
}

const honest: Relay = (member, text) => member.send(text);

describe('pairs of clients', () => {
  it('count what is relayed faithfully, beyond one round of the sequence numbers, and time it', async () => {
    const pairs = await pairsOver(honest);
    await pairs.saturate(301, 4);
    await expect(pairs.pace(20, 10)).resolves.toHaveLength(20);
  });

  it.each<[string, Relay]>([
    ['is lost', (member, text, number) => void (number !== 30 && member.send(text))],
    ['comes twice', (member, text, number) => void (member.send(text), number === 30 && member.send(text))],
    ['is altered', (member, text, number) => member.send(number === 30 ? text.replace('fox', 'fax') : text)],
  ])('refuse a message that %s', async (_what, relay) => {
    const pairs = await pairsOver(relay);
    await expect(pairs.saturate(100, 4)).rejects.toThrow(/connection m[01], message 1\d: expected/);
  });
});

describe('an engine of the benchmark', () => {
  it.each(['redis', 'nats'] as const)('that is not installed (%s) is a peer that is missing', async (engine) => {
    const starting = startEngine(engine, '/nowhere');
    await expect(starting).rejects.toThrow(PeerMissing);
    await expect(starting).rejects.toThrow(`${engine}-server is not installed`);
  });
});

describe('a count', () => {
  it('tells when it has come to a number, and when it is beyond', async () => {
    const count = new Count();
    const reached = count.reaches(2);
    count.add();
    count.add();
    await reached;
    count.add();
    await expect(count.reaches(2)).rejects.toThrow('there are 3, not 2');
  });
});

describe('the workloads of many nodes', () => {
  const clustered = workloads.filter(({ name }) => name.startsWith('cluster-'));

  it('are no part of a quick run', () => {
    expect(clustered.map(({ when }) => when)).toEqual(clustered.map(() => 'not in quick'));
    expect(clustered).not.toEqual([]);
  });

  it('compare with Socket.IO over the same engine', () => {
    const groups = clustered.filter(({ name }) => name.startsWith('cluster-group-'));
    expect(groups.map(({ baseline, budgets }) => [baseline, budgets['troupe-redis']])).toEqual(
      groups.map(() => ['socket.io-redis', { kind: 'ratio', atMost: 0.5 }]),
    );
  });
});
