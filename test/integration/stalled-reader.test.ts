import v8 from 'node:v8';
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { ConnectionInfo, OutboundPolicy } from 'troupe';
import { connect, type Client } from '../support/client.ts';
import { at, commander, finish, forms, order, run, type Form } from '../support/forms.ts';
import { turn } from '../support/inbox.ts';
import { rawUpgrade, type RawClient } from '../support/raw.ts';
import { serve, watch, type Server } from '../support/server.ts';

// A real socket that does not read, under each policy, in each form of service: nobody else is held up, what waits
// for it is bounded, and what it gets in the end is what the policy says.

const path = '/test/websocket';
const limits = { highWaterMarkBytes: 256 * 1024, hardCapBytes: 1024 * 1024 };
const size = 32 * 1024;
/** What is broadcast after the stalled one is congested. */
const further = 60;
/** What a connection weighs with nothing waiting for it, its socket included, goes with it as well; generously. */
const ownBytes = 32 * 1024;
/** More than the operating system takes for a socket, on both sides. */
const most = 3000;

const label = (index: number): string => `${index}:`.padEnd(size, 'x');
const labelOf = (text: string): number => Number(text.split(':', 1)[0]);

interface Stage {
  server: Server;
  stalled: RawClient;
  reader: Client;
  /** What is known of the stalled one; undefined when it is gone. */
  info: () => ConnectionInfo | undefined;
}

async function stage(form: Form, outboundPolicy: OutboundPolicy): Promise<Stage> {
  const server = await serve([commander(form, at(path)).service], { limits: { ...limits, outboundPolicy } });
  const stalled = await rawUpgrade(server.port, path);
  const [first] = server.troupe.connections(path).items;
  const reader = await connect(server.url(path));
  stalled.stall();
  return {
    server,
    stalled,
    reader,
    info: () => server.troupe.connections(path).items.find(({ id }) => id === first?.id),
  };
}

/** Broadcasts by way of the service until the stalled one is congested and a good while longer; how many in all. */
async function broadcast({ reader, info }: Stage, keyOf: (index: number) => string | undefined): Promise<number> {
  let left = further;
  for (let index = 0; index < most; index += 1) {
    const key = keyOf(index);
    const { received } = await finish(reader, order(reader, 'broadcastText', label(index), ...(key ? [key] : [])));
    // The reader has each of them before the next one is made.
    expect(received.map((text) => labelOf(String(text)))).toEqual([index]);
    const stalled = info();
    expect(stalled?.bufferedBytes ?? 0).toBeLessThanOrEqual(limits.hardCapBytes);
    if (stalled === undefined || stalled.outbound === 'congested') left -= 1;
    if (left === 0) return index + 1;
  }
  throw new Error('the server buffers without a bound');
}

/** The labels that the stalled one reads, up to `last`. */
async function readUpTo({ stalled }: Stage, last: number): Promise<number[]> {
  stalled.resume();
  const labels: number[] = [];
  while (labels.at(-1) !== last) labels.push(labelOf(await stalled.nextText()));
  return labels;
}

const ascending = (labels: number[]): number[] => labels.toSorted((a, b) => a - b);

describe.each(forms)('a reader that stalls, in a service of %s,', (form) => {
  it('is closed with 1013 under "close"', async () => {
    const scene = await stage(form, 'close');
    const closed = watch(scene.server.troupe, 'connection.closed');

    await broadcast(scene, () => undefined);

    expect(scene.info()).toBeUndefined();
    scene.stalled.resume();
    expect(await scene.stalled.closeCode()).toBe(1013);
    scene.stalled.socket.end();
    expect(await closed.next()).toMatchObject({ code: 1013, connection: { droppedPushes: 1 } });
  });

  it('misses under "drop" what was pushed while it was congested', async () => {
    const scene = await stage(form, 'drop');
    const deadLetters = watch(scene.server.troupe, 'push.dead-lettered');
    const flowing = watch(scene.server.troupe, 'connection.changed');

    const total = await broadcast(scene, () => undefined);

    const { droppedPushes } = scene.info()!;
    expect(droppedPushes).toBeGreaterThanOrEqual(further - 1);
    expect(deadLetters.all).toHaveLength(droppedPushes);
    expect(deadLetters.all[0]).toMatchObject({ function: 'broadcastText', status: 'congested', missed: 1 });
    const kept = await readUpTo(scene, total - droppedPushes - 1);
    expect(kept).toEqual(Array.from({ length: total - droppedPushes }, (_, index) => index));
    await flowing.until(({ event }) => event === 'outbound.drained');
    await run(scene.reader, 'broadcastText', label(total));
    expect(await readUpTo(scene, total)).toEqual([total]);
  });

  it('misses under "drop-oldest" the middle, and gets the newest in their order', async () => {
    const scene = await stage(form, 'drop-oldest');
    const deadLetters = watch(scene.server.troupe, 'push.dead-lettered');

    const total = await broadcast(scene, () => undefined);

    const { id, droppedPushes, bufferedBytes } = scene.info()!;
    expect(bufferedBytes).toBeLessThanOrEqual(limits.highWaterMarkBytes);
    const kept = await readUpTo(scene, total - 1);
    expect(kept).toEqual(ascending(kept));
    expect(kept).toHaveLength(total - droppedPushes);
    // One gap: before it what the socket had, behind it what had waited the least.
    expect(kept.filter((one, index) => one !== (kept[index - 1] ?? -1) + 1)).toHaveLength(1);
    expect(deadLetters.all).toHaveLength(droppedPushes);
    expect(deadLetters.all[0]).toMatchObject({ function: 'pushText', target: id, status: 'congested', missed: 1 });
    expect(deadLetters.all[0]!.bytes).toBe(size);
  });

  it('gets under "latest" the last value of each key', async () => {
    const scene = await stage(form, 'latest');
    const deadLetters = watch(scene.server.troupe, 'push.dead-lettered');

    const total = await broadcast(scene, (index) => `key ${index % 3}`);

    const { droppedPushes } = scene.info()!;
    expect(droppedPushes).toBeGreaterThan(further / 2);
    const kept = await readUpTo(scene, total - 1);
    expect(kept).toEqual(ascending(kept));
    expect(kept.slice(-3)).toEqual([total - 3, total - 2, total - 1]);
    expect(kept).toHaveLength(total - droppedPushes);
    expect(deadLetters.all).toHaveLength(droppedPushes);
  });

  it.each([
    ['pushTextToConnection', 'name'],
    ['pushTextToGroup', 'group'],
  ])('has its keys from %s as well', async (verb, target) => {
    const scene = await stage(form, 'latest');
    const { server, stalled, reader } = scene;
    stalled.text(JSON.stringify([0, 'storeConnection', target]));
    stalled.text(JSON.stringify([1, 'addConnectionToGroup', target]));
    while (server.troupe.members(target).items.length === 0) await turn();

    let last = 0;
    while ((scene.info()?.droppedPushes ?? 0) < 3) await run(reader, verb, target, label(++last), 'k');

    stalled.resume();
    let latest = 0;
    while (latest !== last) {
      const text = await stalled.nextText();
      if (!text.startsWith('done')) latest = labelOf(text);
    }
    expect(scene.info()?.outbound).not.toBe('closed');
  });
});

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/** What this process holds outside the heap and in it. */
async function heldBytes(): Promise<number> {
  let least = Infinity;
  // Buffers are given back after the objects that they belong to, and some objects after others.
  for (let round = 0, idle = 0; idle < 4 && round < 40; round += 1) {
    collectGarbage();
    await turn();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    idle = arrayBuffers + heapUsed < least - 1024 ? 0 : idle + 1;
    least = Math.min(least, arrayBuffers + heapUsed);
  }
  return least;
}

describe('the memory of a stalled reader', () => {
  it.each([
    ['drop', 64, 200_000],
    ['drop-oldest', 64, 200_000],
    ['latest', 64, 200_000],
    ['drop-oldest', size, 4000],
    ['latest', size, 4000],
  ] as const)('stays below the cap under %s, with messages of %i bytes', async (policy, bytes, count) => {
    const scene = await stage('handlers', policy);
    // What a reader has received would be weighed as well.
    await scene.reader.close();
    const text = 'x'.repeat(bytes);
    for (let index = 0; index < count; index += 1) {
      scene.server.troupe.broadcastText(path, text, { key: `key ${index % 5000}` });
      if (index % 100 === 0) await turn();
    }
    await turn();
    expect(scene.info()?.outbound).toBe('congested');
    expect(scene.info()!.droppedPushes).toBeGreaterThan(0);
    const held = await heldBytes();

    // What it held is what is given back when it is gone.
    const closed = watch(scene.server.troupe, 'connection.closed');
    scene.stalled.reset();
    await closed.next();

    expect(held - (await heldBytes())).toBeLessThan(limits.hardCapBytes + ownBytes);
  });
});
