import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { memoryEngine, type Backplane } from 'troupe/backplane';
import { createNode } from '../../examples/many-nodes/server.ts';
import { connect, type Client } from '../support/client.ts';
import { isUp } from '../support/nodes.ts';

async function start(backplane: Backplane): Promise<number> {
  const { troupe, server } = createNode(backplane);
  onTestFinished(() => troupe.close({ drain: { timeoutMs: 100 } }));
  server.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), isUp(troupe)]);
  return (server.address() as AddressInfo).port;
}

const until = (client: Client, text: string): Promise<unknown> => client.messages.until((said) => said === text);

it('people of several nodes talk to each other and to all, and are told who came twice', async () => {
  const engine = memoryEngine();
  const [one, two] = await Promise.all([start(engine.backplane()), start(engine.backplane())]);
  const alice = await connect(`ws://127.0.0.1:${one}/people/alice`);
  await until(alice, 'alice is here');
  const bob = await connect(`ws://127.0.0.1:${two}/people/bob`);
  await until(alice, 'bob is here');
  alice.send('@bob psst');
  await until(bob, 'alice, to you: psst');
  bob.send('hello');
  await until(alice, 'bob: hello');
  alice.send('@carol psst');
  await until(alice, 'carol was not reached: unknown');

  const again = await connect(`ws://127.0.0.1:${two}/people/alice`);
  expect(await alice.closed).toEqual({ code: 4000, reason: 'you are here twice' });
  await until(again, 'alice has left');
  bob.send('@alice still there?');
  await until(again, 'bob, to you: still there?');

  const health = await fetch(`http://127.0.0.1:${two}/health`);
  expect([health.status, await health.json()]).toEqual([200, { isReady: true, backplane: 'up' }]);
});
