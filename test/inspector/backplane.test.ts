import { expect, it } from 'vitest';
import { defineService } from 'troupe';
import { memoryEngine } from 'troupe/backplane';
import { serveInspected } from './support.ts';

it('a viewer sees the link to the other nodes: its chart, its state, and when that changes', async () => {
  const engine = memoryEngine();
  const service = defineService({ basePath: '/echo', onTextMessage: () => {} });
  const server = await serveInspected([service], {}, { backplane: engine.backplane() });
  server.troupe.on('backplane.lost', () => {});
  server.troupe.on('backplane.unreachable', () => {});
  const viewer = await server.view();
  const { actors } = await viewer.until('troupe.hello');
  await viewer.until('troupe.overview', ({ backplane }) => backplane === 'up');
  expect(viewer.all).toContainEqual(
    expect.objectContaining({ type: '@xstate.actor', sessionId: actors.backplane, name: 'backplane' }),
  );
  engine.stop();
  await viewer.until('troupe.overview', ({ backplane }) => backplane === 'down' || backplane === 'connecting');
  engine.start();
  await viewer.until('troupe.overview', ({ backplane }) => backplane === 'up');
});

it('a viewer of a single node is told of none', async () => {
  const service = defineService({ basePath: '/echo', onTextMessage: () => {} });
  const viewer = await (await serveInspected([service])).view();
  const { actors } = await viewer.until('troupe.hello');
  expect(Object.keys(actors)).toEqual(['supervisor', 'server', 'names', 'groups']);
  expect(await viewer.until('troupe.overview')).not.toHaveProperty('backplane');
});
