import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { replayRecording } from 'troupe';
import { orders } from '../../examples/recovery/service.ts';
import { connect } from '../support/client.ts';
import { serve, watch } from '../support/server.ts';

test('a basket survives a message that it cannot take, and the recording of that is replayed to the same error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-recovery-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const service = orders(folder);
  const server = await serve([service]);
  const crashed = watch(server.troupe, 'connection.crashed');
  const written = watch(server.troupe, 'recording.written');
  const client = await connect(server.url('/basket'));
  client.send('add tea 450');
  expect(await client.next()).toBe('tea: 450 cents');

  client.send('add 3 of those');
  client.send('add cake 380');
  expect(await client.next()).toBe('tea, cake: 830 cents');
  client.send('order');
  expect(await client.next()).toBe('ordered for 830 cents');

  expect(await crashed.next()).toMatchObject({ service: '/basket', state: { machine: 'filling' } });
  const { file } = await written.next();
  const replayed = await replayRecording(await readFile(file, 'utf8'), [service]);
  expect(replayed).toMatchObject({ isSame: true });
  expect(replayed.steps.at(-1)).toMatchObject({ kind: 'crash' });
});
