// The smallest whole: run by .ci/run against the installed tarball on every supported Node.
// Plain JavaScript and nothing from devDependencies; it ends by itself once the Troupe is closed.
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { createTroupe, defineService, serviceSetup } from 'troupe';
import { memoryEngine } from 'troupe/backplane';
import { backplaneConformance } from 'troupe/testing';
import { WebSocket } from 'ws';
import { assign } from 'xstate';

const deadline = AbortSignal.timeout(30_000);

let reportClose;
const closeSeen = new Promise((resolve) => (reportClose = resolve));

const hall = defineService({
  basePath: '/hall',
  webSocketUpgradePath: '/{name}',
  async onOpen(connection) {
    await connection.storeConnection(connection.params.name);
    await connection.addConnectionToGroup('crowd');
    connection.pushText('ready');
  },
  onTextMessage(connection, text) {
    connection.pushText(`echo ${text}`);
  },
  onBinaryMessage(connection, data) {
    connection.pushBinary(data);
  },
  onClose(_connection, { code, reason }) {
    reportClose({ code, reason });
  },
});

const greeter = defineService({
  basePath: '/greeter',
  webSocketUpgradePath: '/',
  machine: serviceSetup()
    .extend({
      actions: { remember: assign({ nick: ({ event }) => (event.type === 'ws.text' ? event.text : '') }) },
    })
    .createMachine({
      id: 'greeter',
      context: { nick: '' },
      initial: 'naming',
      states: {
        naming: { on: { 'ws.text': { target: 'greeted', actions: 'remember' } } },
        greeted: {
          entry: { type: 'pushText', params: ({ context }) => ({ text: `hello ${context.nick}` }) },
          on: { 'ws.text': { target: 'left' } },
        },
        left: { type: 'final' },
      },
    }),
});

/** Opens a socket whose messages wait until they are asked for. */
async function open(address) {
  const socket = new WebSocket(address);
  const messages = on(socket, 'message', { signal: deadline });
  await once(socket, 'open', { signal: deadline });
  const next = async () => {
    const [data, isBinary] = (await messages.next()).value;
    return isBinary ? [...data] : String(data);
  };
  return { socket, next };
}

// OpenTelemetry and Redis are for those who install them; nothing else of the package misses them.
await assert.rejects(import('troupe/otel'), { code: 'ERR_MODULE_NOT_FOUND', message: /@opentelemetry\/api/ });
// Nor does anything but its backplane miss the client of NATS.
await assert.rejects(import('troupe/nats'), { code: 'ERR_MODULE_NOT_FOUND', message: /@nats-io\// });

// Those who write a backplane need no test runner of ours.
const engine = memoryEngine();
const conformance = backplaneConformance({ make: engine.backplane, lapse: engine.lapse });
await Promise.all(conformance.map(({ skip, run }) => (skip === undefined ? run() : undefined)));
await assert.rejects(import('troupe/redis'), { code: 'ERR_MODULE_NOT_FOUND', message: /@redis\/client/ });

const troupe = createTroupe({ services: [hall, greeter] });
const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
const url = `ws://127.0.0.1:${port}`;

const ada = await open(`${url}/hall/ada`);
const bob = await open(`${url}/hall/bob`);
assert.equal(await ada.next(), 'ready');
assert.equal(await bob.next(), 'ready');

ada.socket.send('one');
assert.equal(await ada.next(), 'echo one');
ada.socket.send(Buffer.from([1, 2, 3]));
assert.deepEqual(await ada.next(), [1, 2, 3]);

assert.equal((await troupe.pushTextToConnection('bob', 'to bob')).count, 1);
assert.equal(await bob.next(), 'to bob');
assert.equal((await troupe.pushTextToConnection('nobody', 'lost')).status, 'unknown');
assert.equal((await troupe.pushTextToGroup('crowd', 'to all')).count, 2);
assert.deepEqual([await ada.next(), await bob.next()], ['to all', 'to all']);

ada.socket.close(4000, 'enough');
const [code] = await once(ada.socket, 'close', { signal: deadline });
assert.equal(code, 4000);
assert.deepEqual(await closeSeen, { code: 4000, reason: 'enough' });
assert.equal((await troupe.pushTextToGroup('crowd', 'to the rest')).count, 1);
assert.equal(await bob.next(), 'to the rest');

const guest = await open(`${url}/greeter`);
guest.socket.send('eve');
assert.equal(await guest.next(), 'hello eve');
guest.socket.send('bye');
const [final] = await once(guest.socket, 'close', { signal: deadline });
assert.equal(final, 1000);

const gone = once(bob.socket, 'close', { signal: deadline });
await troupe.close();
assert.equal((await gone)[0], 1001);
console.log(`smoke test on Node ${process.versions.node}: echo, groups, stored names, a machine, closing: all well`);
