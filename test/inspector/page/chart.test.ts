import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { activeStates, transitionsTaken } from '../../../src/inspector/page/chart/graph.ts';
import { Layouter, type LayoutWorker, type WorkerListener } from '../../../src/inspector/page/chart/layout.ts';
import { planChart } from '../../../src/inspector/page/chart/plan.ts';
import { pathOf, type Box, type SvgModel } from '../../../src/inspector/page/chart/svg-model.ts';
import { cut } from '../../../src/inspector/page/chart/text.ts';
import { door, graphOf, graphState, transition } from './frames.ts';

interface FakeWorker {
  onmessage: (message: { readonly data: unknown }) => void;
  postMessage(message: unknown): void;
  terminate(): void;
}
// elkjs's worker file, which outside of a worker gives out a stand-in for one.
const elk = createRequire(import.meta.url)('elkjs/lib/elk-worker.min.js') as { readonly Worker: new () => FakeWorker };

function start({ answered }: WorkerListener): LayoutWorker {
  const worker = new elk.Worker();
  worker.onmessage = ({ data }) => answered(data);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- workers have none
  return { send: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
}

const layOut = (graph: typeof door): Promise<SvgModel> => new Layouter(start).layOut(graph);
const region = (id: string) => graphState(id, [graphState(`${id}.on`), graphState(`${id}.off`)]);
const lamp = graphOf(graphState('lamp', [region('lamp.left'), region('lamp.right')], { kind: 'parallel' }));

describe('the states that are active', () => {
  it('are found by the value, with those that they lie in', () => {
    expect(Array.from(activeStates(door, { open: 'ajar' }))).toEqual(['door', 'door.open', 'door.open.ajar']);
  });

  it('are found in all regions', () => {
    const active = activeStates(lamp, { left: 'on', right: 'off' });
    expect(active).toContain('lamp.left.on');
    expect(active).toContain('lamp.right.off');
    expect(active).not.toContain('lamp.left.off');
  });

  it.each([undefined, null, 7, 'nowhere', { __proto__: { open: 'ajar' } }, ['open']])(
    'are none of the inner ones when the value is %j',
    (value) => {
      expect(activeStates(door, value as never)).not.toContain('door.open');
    },
  );
});

describe('the transition that was taken', () => {
  const taken = { source: 'door.closed', event: 'open', targets: ['door.open'] };

  it('is the one that the server names', () => {
    expect(transitionsTaken(door, { ...taken, transition: 'named' })).toEqual(['named']);
  });

  it('is found by where it leads from and to when the server names none', () => {
    expect(transitionsTaken(door, taken)).toEqual([door.root.states[0]?.transitions[0]?.id]);
    expect(transitionsTaken(door, { ...taken, targets: [] })).toEqual([]);
  });
});

describe('what is laid out', () => {
  const plan = planChart(door);

  it('has an arrow for each two states, with a line for each transition between them', () => {
    const arrow = plan.arrows.get('door.closed→door.open');
    expect(arrow?.lines.map(({ text }) => text)).toEqual(['open', 'kick [isStrong]']);
  });

  it('writes what leads nowhere else into the box', () => {
    expect(plan.boxes.get('door.closed')?.lines.map(({ text }) => text)).toEqual(['entry / beep', 'ring']);
  });

  it('has an arrow to where a state begins', () => {
    const begins = Array.from(plan.arrows.values()).filter(({ lines }) => lines.length === 0);
    expect(begins.map(({ target }) => target)).toEqual(['door.closed', 'door.open.ajar']);
  });

  it('draws transitions to states that were left out as if they led nowhere', () => {
    const leads = transition('a.b', 'go', ['a.missing']);
    const cropped = planChart(graphOf(graphState('a', [graphState('a.b', [], { transitions: [leads] })])));
    expect(cropped.arrows.size).toBe(0);
    expect(cropped.boxes.get('a.b')?.lines).toEqual([{ text: 'go', transitions: [leads.id] }]);
  });

  it('shortens names that no screen could hold, in whatever script', () => {
    expect(cut('x'.repeat(1_000_000))).toHaveLength(44);
    expect(Array.from(cut('👩‍🚀'.repeat(100)))).toHaveLength(44);
    expect(cut('two\nlines')).toBe('two lines');
  });

  it('shortens a long list of lines, and those left out still light up', () => {
    const many = Array.from({ length: 20 }, (_, index) => transition('a.b', `event ${index}`, []));
    const lines = planChart(graphOf(graphState('a', [graphState('a.b', [], { transitions: many })]))).boxes.get(
      'a.b',
    )?.lines;
    expect(lines).toHaveLength(8);
    expect(lines?.at(-1)).toMatchObject({ text: '… 13 more', transitions: many.slice(7).map(({ id }) => id) });
  });
});

describe('the picture that elkjs makes', { timeout: 30_000 }, () => {
  const isWithin = (inner: Box, outer: Box): boolean =>
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height;

  it('has every state once, and each lies within its parent', async () => {
    const { boxes, width, height } = await layOut(door);
    expect(boxes.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['door', 'door.closed', 'door.open', 'door.open.ajar', 'door.open.wide', 'door.locked']),
    );
    const box = (id: string) => boxes.find((box) => box.id === id) as Box;
    expect(isWithin(box('door.open'), box('door'))).toBe(true);
    expect(isWithin(box('door.open.ajar'), box('door.open'))).toBe(true);
    expect(isWithin(box('door.closed'), box('door.open'))).toBe(false);
    expect(box('door').width).toBeLessThanOrEqual(width);
    expect(box('door').height).toBeLessThanOrEqual(height);
  });

  it('has every arrow with a way and its lines, and a dot where a state begins', async () => {
    const { arrows, dots } = await layOut(door);
    expect(arrows).toHaveLength(6);
    for (const { path } of arrows) expect(path).toMatch(/^M[\d.]+,[\d.]+ /);
    expect(arrows.find(({ target }) => target === 'door.locked')?.lines[0]?.text).toBe('after 1000');
    expect(dots).toHaveLength(2);
  });

  it('has the regions of a parallel state side by side', async () => {
    const { boxes } = await layOut(lamp);
    expect(boxes.filter(({ plan }) => plan.isRegion).map(({ id }) => id)).toEqual(['lamp.left', 'lamp.right']);
  });

  it('keeps regions together that no arrow leaves, beside one that is left by an arrow', async () => {
    const leave = transition('m.all.busy', 'stop', ['m.end']);
    const busy = graphState('m.all.busy', [graphState('m.all.busy.on')], { transitions: [leave] });
    const all = graphState('m.all', [busy, region('m.all.left'), region('m.all.right')], { kind: 'parallel' });
    const { boxes, arrows } = await layOut(graphOf(graphState('m', [all, graphState('m.end')])));
    expect(boxes).toHaveLength(11);
    expect(arrows).toHaveLength(1);
    const box = (id: string) => boxes.find((box) => box.id === id) as Box;
    for (const id of ['m.all.busy', 'm.all.left', 'm.all.right']) expect(isWithin(box(id), box('m.all'))).toBe(true);
  });

  it('is made of states that lead to themselves and to those around and within them', async () => {
    const inner = graphState('a.b.c', [], { transitions: [transition('a.b.c', 'up', ['a.b'])] });
    const around = graphState('a.b', [inner], {
      transitions: [transition('a.b', 'down', ['a.b.c']), transition('a.b', 'again', ['a.b'], { reenter: true })],
    });
    expect((await layOut(graphOf(graphState('a', [around])))).arrows).toHaveLength(3);
  });

  it('is not made of more than 400 states', async () => {
    const states = Array.from({ length: 400 }, (_, index) => graphState(`a.${index}`));
    await expect(layOut(graphOf(graphState('a', states)))).rejects.toThrow('It has 401 states');
  });

  it('is refused, not waited for, when the worker fails; the next one starts a new worker', async () => {
    let workers = 0;
    const layouter = new Layouter((listener) => {
      workers += 1;
      if (workers > 1) return start(listener);
      return { send: () => listener.failed(), terminate: () => {} };
    });
    await expect(layouter.layOut(door)).rejects.toThrow('The layout worker failed.');
    expect((await layouter.layOut(door)).boxes).toHaveLength(6);
  });
});

describe('the way of an arrow', () => {
  it('has rounded corners', () => {
    const corner = [
      { x: 0, y: 0 },
      { x: 20, y: 0 },
      { x: 20, y: 20 },
    ];
    expect(pathOf(corner)).toBe('M0,0 L14,0 Q20,0 20,6 L20,20');
  });

  it('does not overshoot where it turns twice within a few pixels', () => {
    const narrow = [
      { x: 0, y: 0 },
      { x: 4, y: 0 },
      { x: 4, y: 4 },
    ];
    expect(pathOf(narrow)).toBe('M0,0 L2,0 Q4,0 4,2 L4,4');
  });
});
