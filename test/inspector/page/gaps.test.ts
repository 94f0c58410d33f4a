import { describe, expect, it } from 'vitest';
import { everything, logOf, titleOfStep } from '../../../src/inspector/page/state/log.ts';
import { momentsOf, stepsOf } from '../../../src/inspector/page/state/focus.ts';
import type { Action, Focus } from '../../../src/inspector/page/state/model.ts';
import { hasEnded, knownAt, type Watched } from '../../../src/inspector/page/state/watched.ts';
import { momentOf } from '../../../src/inspector/page/views/charts.tsx';
import { actor, arrived, connection, door, end, event, linked, microstep, snapshot, stateAfter } from './frames.ts';

const [one, other] = ['x:8', 'x:9'];
/** A page that watches both. */
const begun: readonly Action[] = [
  ...linked,
  { type: 'asked', request: { type: 'connection', request: 1, of: 'c1' }, at: 0 },
  arrived(connection(1, 'c1', [one, other])),
  { type: 'asked', request: { type: 'watch', request: 2, actors: [one, other] }, at: 0 },
  arrived(actor(one, 'lifecycle', { value: 'a' })),
  arrived(actor(other, 'service', { value: 'a' })),
];
const does = (id: string, value: string): readonly Action[] => [
  arrived(event(id, value)),
  arrived(microstep(id, value, 'from', value)),
  arrived(snapshot(id, value, value)),
];
const missed = (sessionId: string): Action => arrived({ type: 'troupe.missed', at: 0, sessionId });
const relinked: readonly Action[] = [
  { type: 'link.lost', at: 0, random: 0 },
  { type: 'link.connecting' },
  { type: 'link.opened' },
  ...linked.slice(-1),
];

function focusAfter(...actions: readonly Action[]): Focus {
  const { focus } = stateAfter('#/connection/c1', ...begun, ...actions);
  if (focus === undefined) throw new Error('Nothing is looked at.');
  return focus;
}

const watchedIn = (focus: Focus, id: string): Watched => focus.watched.get(id)!;
/** How both are shown at each moment. */
const shownIn = (focus: Focus) =>
  momentsOf(focus).map(({ taken }) => [one, other].map((id) => knownAt(watchedIn(focus, id), taken)?.snapshot?.value));

describe('an actor of which not everything was told', () => {
  const focus = focusAfter(
    ...does(one, 'b'),
    missed(one),
    ...does(other, 'c'),
    ...does(one, 'd'),
    ...does(other, 'e'),
    arrived(actor(one, 'lifecycle', { value: 'f' })),
    ...does(other, 'g'),
  );

  it('is shown as not known at the moments of others, until it is told of again', () => {
    expect(shownIn(focus)).toEqual([
      ['b', 'a'],
      [undefined, 'c'],
      ['d', 'c'],
      [undefined, 'e'],
      ['f', 'e'],
      ['f', 'g'],
    ]);
  });

  it('has a line in the log that says so, also among changes only', () => {
    const titles = logOf(stepsOf(focus), { ...everything, onlyChanges: true }, undefined).map(titleOfStep);
    expect(titles).toEqual(['g', 'a gap, then told again', 'e', 'd', 'c', 'b']);
  });

  it('shows no edge as just taken any more', () => {
    expect(watchedIn(focusAfter(...does(one, 'b')), one).flashes).toHaveLength(1);
    expect(watchedIn(focusAfter(...does(one, 'b'), missed(one)), one).flashes).toEqual([]);
  });

  it('is known again for good after it was told of', () => {
    expect(momentOf(watchedIn(focus, one), undefined)).toMatchObject({ value: 'f', note: '' });
    expect(momentOf(watchedIn(focus, one), momentsOf(focus)[1]!.taken)).toMatchObject({ note: 'past, not known' });
    expect(momentOf(watchedIn(focus, one), momentsOf(focus)[0]!.taken)).toMatchObject({ value: 'b', note: 'past' });
  });

  it('is not shown in its last state when it ends before it is told of again', () => {
    const ended = focusAfter(missed(one), arrived(end(one)));
    expect(momentOf(watchedIn(ended, one), undefined)).toEqual({
      value: undefined,
      active: undefined,
      flashes: [],
      note: 'not known, ended',
    });
  });
});

describe('an actor that is found again over a new link', () => {
  const again = [
    { type: 'asked', request: { type: 'watch', request: 3, actors: [one, other] }, at: 0 },
    arrived(actor(one, 'lifecycle', { value: 'c' })),
    arrived(actor(one, 'lifecycle', { value: 'd' })),
  ] as const;

  it('has one line in the log for what may have happened meanwhile', () => {
    const focus = focusAfter(...does(one, 'b'), ...relinked, ...again);
    expect(stepsOf(focus).map((step) => [titleOfStep(step), step.snapshot?.value])).toEqual([
      ['b', 'b'],
      ['a gap, then told again', 'd'],
    ]);
    expect(shownIn(focus)).toEqual([
      ['b', 'a'],
      ['d', undefined],
    ]);
  });

  it('is known from then on, also when not everything was told before the link was lost', () => {
    const focus = focusAfter(missed(one), ...relinked, ...again, ...does(other, 'e'));
    expect(shownIn(focus).at(-1)).toEqual(['d', 'e']);
  });

  it('has none when it was told of twice and nothing lay between', () => {
    expect(stepsOf(focusAfter(...does(one, 'b'), arrived(actor(one, 'lifecycle', { value: 'b' }))))).toHaveLength(1);
  });

  it('has ended when the server knows it no more', () => {
    const focus = focusAfter(
      ...does(one, 'b'),
      ...relinked,
      ...again,
      arrived({ type: 'troupe.watching', request: 3, actors: [one], unknown: [other] }),
    );
    expect([one, other].map((id) => hasEnded(watchedIn(focus, id), undefined))).toEqual([false, true]);
    expect(momentOf(watchedIn(focus, other), undefined).note).toBe('not known, ended');
  });

  it('ends no step that was open over the link before', () => {
    const focus = focusAfter(arrived(event(one, 'b')), ...relinked, ...again, ...does(one, 'e'));
    expect(stepsOf(focus).map(({ snapshot }) => snapshot?.value)).toEqual([undefined, 'd', 'e']);
  });
});

describe('the states that are lit', () => {
  const lit = (...actions: readonly Action[]) => momentOf(watchedIn(focusAfter(...actions), one), undefined).active;
  const asked: Action = { type: 'asked', request: { type: 'graph', request: 9, of: one }, at: 0 };
  const graph = arrived({ type: 'troupe.graph', request: 9, of: one, graph: door, active: ['x', 'x.y'] });

  it('are those of which the server says so, since the value that it describes may end before them', () => {
    expect(lit(asked, graph)).toEqual(['x', 'x.y']);
    expect(lit(asked, graph, ...does(one, 'b'))).toEqual(['b']);
    expect(lit(...does(one, 'b'), arrived(snapshot(one, 'ignored', 'b')))).toEqual(['b']);
  });

  it('are those of the value once the edges that led to them may be missing', () => {
    expect(lit(asked, graph, missed(one), arrived(snapshot(one, 'c', 'c')))).toBeUndefined();
    const [, step, settled] = does(one, 'b');
    expect(lit(step!, missed(one), settled!)).toBeUndefined();
    expect(lit(asked, graph, missed(one), arrived(actor(one, 'lifecycle')))).toBeUndefined();
  });
});
