import { expect, it } from 'vitest';
import { defineService, replayRecording, type Recording } from 'troupe';
import { memoryEngine } from 'troupe/backplane';
import { connect } from '../support/client.ts';
import { Inbox } from '../support/inbox.ts';
import { startNode } from '../support/nodes.ts';
import { serve } from '../support/server.ts';

it('a recording is replayed with what other nodes answered', async () => {
  const recordings = new Inbox<Recording>();
  const service = defineService({
    basePath: '/caller',
    recorder: { onCrash: (recording) => recordings.push(recording) },
    async onTextMessage(connection, name) {
      const [stored, pushed] = await Promise.all([
        connection.storeConnection('caller'),
        connection.pushTextToConnection(name, 'are you there?'),
      ]);
      connection.pushText(`${stored.status}, ${pushed.status}`);
      throw new Error('That was all.');
    },
  });
  const engine = memoryEngine();
  const other = await startNode(engine.backplane());
  const friend = await other.puppet();
  await friend.call('storeConnection', 'friend');
  const server = await serve([service], { backplane: engine.backplane() });
  await expect.poll(async () => (await other.troupe.cluster.nodes()).length).toBe(2);
  const client = await connect(server.url('/caller'));
  client.send('friend');
  expect(await client.next()).toBe('ok, delivered');
  const recording = await recordings.next();
  const { difference } = await replayRecording(recording.text, [service]);
  expect(difference).toBeUndefined();
});
