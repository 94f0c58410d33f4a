import { expect, it } from 'vitest';
import { sharing, type board } from '../support/board.ts';
import { connect } from '../support/client.ts';
import { at } from '../support/forms.ts';
import { watch } from '../support/server.ts';
import { serveInspected } from './support.ts';

const path = '/test/board';

it('shows the shared state of a service with the state of its life, its chart, its context and its events', async () => {
  const server = await serveInspected([sharing('handlers', at(path))], { redact: false });
  const viewer = await server.view();
  const { services } = await viewer.until('troupe.overview');
  expect(services).toMatchObject([{ service: path, shared: { state: 'running' } }]);
  const { sessionId } = services[0]!.shared!;
  const actors = viewer.all.flatMap((frame) => (frame.type === '@xstate.actor' ? [[frame.name, frame.parentId]] : []));
  const [, own] = actors.filter(([name]) => name === 'shared');
  expect(own?.[1]).not.toBe(services[0]!.sessionId);

  const { graph, active } = await viewer.get('troupe.graph', { type: 'graph', of: sessionId });
  expect([graph.id, active]).toEqual(['board', ['board', 'board.counting']]);
  await viewer.get('troupe.watching', { type: 'watch', actors: [sessionId] });
  const ada = await connect(server.url(path));
  ada.send('add 3');
  const { snapshot } = await viewer.until('@xstate.snapshot', (frame) => frame.sessionId === sessionId);
  expect(snapshot).toMatchObject({ value: 'counting', context: { score: 3 } });
  expect(viewer.all.at(-2)).toMatchObject({ type: 'troupe.microstep', event: { type: 'add', points: 3 } });
});

it('tells of a crash of shared state, and of the actor that takes its place', async () => {
  const supervision = { backoff: { minMs: 0 } };
  const server = await serveInspected([sharing('handlers', at(path), { supervision })]);
  watch(server.troupe, 'shared.crashed');
  const viewer = await server.view();
  const { services } = await viewer.until('troupe.overview');
  server.troupe.shared<typeof board>(path).send({ type: 'fail' });
  expect(await viewer.until('troupe.failure')).toMatchObject({
    callback: `the shared state of service "${path}"`,
    error: { message: '[redacted 27 characters]' },
  });
  await viewer.until('troupe.overview', ({ services: [now] }) => {
    const shared = now?.shared;
    return shared?.state === 'running' && shared.sessionId !== services[0]!.shared!.sessionId;
  });
});
