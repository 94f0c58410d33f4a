import { describe, expect, it } from 'vitest';
import { momentBeside, momentsOf, stepsOf } from '../../../src/inspector/page/state/focus.ts';
import { everything, logOf } from '../../../src/inspector/page/state/log.ts';
import type { Action, Focus } from '../../../src/inspector/page/state/model.ts';
import { hasEnded, knownAt } from '../../../src/inspector/page/state/watched.ts';
import { actor, arrived, end, event, linked, microstep, snapshot, stateAfter } from './frames.ts';

const id = 'x:9';
const begun = [...linked, arrived(actor(id, 'door', { value: 'closed' }))];

function focusAfter(...actions: readonly Action[]): Focus {
  const { focus } = stateAfter('#/actor/x%3A9', ...begun, ...actions);
  if (focus === undefined) throw new Error('Nothing is looked at.');
  return focus;
}

const stepsAfter = (...actions: readonly Action[]) => focusAfter(...actions).watched.get(id)?.steps.items ?? [];

const opens = [
  arrived(event(id, 'open', 5)),
  arrived(microstep(id, 'open', 'door.closed', 'door.open')),
  arrived(snapshot(id, 'open', 'open')),
];
const closes = [
  arrived(event(id, 'close', 6)),
  arrived(microstep(id, 'close', 'door.open', 'door.closed')),
  arrived(snapshot(id, 'close', 'closed')),
];

describe('what a watched actor does', () => {
  it('becomes one step: the event, the edges taken, the state afterwards', () => {
    const steps = stepsAfter(...opens);
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({
      at: 5,
      event: { type: 'open' },
      edges: [{ source: 'door.closed', targets: ['door.open'] }],
      active: ['door.open'],
      snapshot: { value: 'open' },
    });
  });

  it('is put together rightly when the next event is sent before the first was dealt with', () => {
    const [one, other] = stepsAfter(
      arrived(event(id, 'open')),
      arrived(event(id, 'close')),
      ...opens.slice(1),
      ...closes.slice(1),
    );
    expect([one?.snapshot?.value, other?.snapshot?.value]).toEqual(['open', 'closed']);
  });

  it('is put together rightly when two events of one type wait', () => {
    const steps = stepsAfter(
      arrived(event(id, 'ring', 1, undefined, 101)),
      arrived(event(id, 'ring', 2, undefined, 102)),
      arrived(snapshot(id, 'ring', 'closed', 0, 101)),
    );
    expect(steps.map(({ at, snapshot }) => [at, snapshot !== undefined])).toEqual([
      [1, true],
      [2, false],
    ]);
  });

  it('is put together rightly after the snapshot of an event of the same type was left out', () => {
    const rung = (step: number): Action => arrived(event(id, 'ring', 0, undefined, step));
    const settled = (step: number): Action => arrived(snapshot(id, 'ring', `rung ${step}`, 0, step));
    const steps = stepsAfter(rung(101), settled(101), rung(102), rung(103), settled(103), settled(104), rung(105));
    expect(steps.map(({ number, snapshot }) => [number, snapshot?.value])).toEqual([
      [101, 'rung 101'],
      [102, undefined],
      [103, 'rung 103'],
      [104, 'rung 104'],
      [105, undefined],
    ]);
  });

  it('has the edges too that were taken for an event that the machine raised itself', () => {
    const [step, ...others] = stepsAfter(
      arrived(event(id, 'open', 0, undefined, 101)),
      arrived(microstep(id, 'open', 'door.closed', 'door.open', undefined, 101)),
      arrived(microstep(id, 'raised', 'door.open', 'door.locked', undefined, 101)),
      arrived(snapshot(id, 'open', 'locked', 0, 101)),
    );
    expect(others).toEqual([]);
    expect(step?.edges.map(({ event }) => event)).toEqual(['open', 'raised']);
    expect(step).toMatchObject({ event: { type: 'open' }, active: ['door.locked'], snapshot: { value: 'locked' } });
  });

  it('is a step of its own when no event was seen being sent', () => {
    expect(stepsAfter(arrived(snapshot(id, 'xstate.init', 'closed')))).toMatchObject([
      { event: { type: 'xstate.init' }, isSent: false },
    ]);
  });

  it('is kept for the latest 500 steps', () => {
    const steps = focusAfter(...Array.from({ length: 600 }, () => closes).flat()).watched.get(id)?.steps;
    expect(steps?.items).toHaveLength(500);
    expect(steps?.dropped).toBe(100);
  });

  it('is kept for fewer steps when they are large', () => {
    const size = 1024 * 1024;
    const large = closes.map((action): Action => ({ ...action, size }) as Action);
    expect(stepsAfter(...Array.from({ length: 20 }, () => large).flat()).length).toBeLessThan(5);
  });

  it('is ignored when nobody looks at that actor', () => {
    const focus = focusAfter(arrived(actor('x:other', 'other')), arrived(event('x:other', 'open')));
    expect(Array.from(focus.watched.keys())).toEqual([id]);
  });

  it('stays when the actor has come to its end', () => {
    const focus = focusAfter(...opens, arrived(end(id)));
    const watched = focus.watched.get(id)!;
    expect(hasEnded(watched, undefined)).toBe(true);
    expect(hasEnded(watched, watched.steps.items[0]?.taken)).toBe(false);
    expect(watched.snapshot?.value).toBe('open');
  });
});

describe('stepping back', () => {
  const stepped = focusAfter(...opens, ...closes, ...opens);

  it('goes from one moment to the one before, and no further than the oldest', () => {
    const [oldest, middle] = momentsOf(stepped);
    expect(momentBeside(stepped, -1)).toBe(middle?.taken);
    expect(momentBeside({ ...stepped, moment: middle?.taken }, -1)).toBe(oldest?.taken);
    expect(momentBeside({ ...stepped, moment: oldest?.taken }, -1)).toBe(oldest?.taken);
  });

  it('forward from the last but one is now again', () => {
    const middle = momentsOf(stepped)[1]?.taken;
    expect(momentBeside({ ...stepped, moment: middle }, 1)).toBeUndefined();
  });

  it('shows each actor as it was at that moment', () => {
    const watched = stepped.watched.get(id);
    const values = momentsOf(stepped).map(({ taken }) => watched && knownAt(watched, taken)?.snapshot?.value);
    expect(values).toEqual(['open', 'closed', 'open']);
  });

  it('shows an actor that had done nothing yet as it was found', () => {
    const watched = focusAfter(...opens).watched.get(id)!;
    expect(knownAt(watched, watched.since)?.snapshot?.value).toBe('closed');
  });

  it('shows nothing of an actor that nobody had told of yet', () => {
    const watched = focusAfter(...opens).watched.get(id)!;
    expect(knownAt(watched, watched.since - 1)).toBeUndefined();
  });

  it('shows nothing of a moment of which nothing is known any more', () => {
    const watched = focusAfter(...Array.from({ length: 600 }, () => closes).flat()).watched.get(id);
    expect(watched && knownAt(watched, 0)).toBeUndefined();
  });

  it('goes by when a snapshot was taken, not by when its event was sent or when it was told of', () => {
    const taken = (moment: number, number: number, value: string): Action =>
      arrived({ ...snapshot(id, 'ring', value, 0, number), moment });
    const rung = (moment: number, number: number): Action =>
      arrived({ ...event(id, 'ring', 0, undefined, number), moment });
    const focus = focusAfter(rung(11, 101), rung(12, 102), taken(20, 102, 'second'), taken(15, 101, 'first'));
    expect(momentsOf(focus).map(({ taken }) => taken)).toEqual([15, 20]);
    const shownAt = (moment: number) => knownAt(focus.watched.get(id)!, moment)?.snapshot?.value;
    expect([14, 15, 19, 20].map(shownAt)).toEqual(['closed', 'first', 'first', 'second']);
    const log = logOf(stepsOf(focus), everything, undefined);
    expect(log.map(({ snapshot }) => snapshot?.value)).toEqual(['second', 'first']);
  });

  it('goes on recording what happens now', () => {
    const moment = momentsOf(focusAfter(...opens))[0]?.taken;
    const focus = focusAfter(...opens, { type: 'moment.chosen', moment }, ...closes);
    expect(focus.moment).toBe(moment);
    expect(momentsOf(focus)).toHaveLength(2);
    expect(focus.watched.get(id)?.snapshot?.value).toBe('closed');
  });
});

describe('the event log', () => {
  const steps = stepsAfter(...opens, ...closes, arrived(event(id, 'ring')), arrived(snapshot(id, 'ring', 'closed')));
  const typesIn = (log: typeof steps) => log.map(({ event }) => event.type);

  it('shows the latest first', () => {
    expect(typesIn(logOf(steps, everything, undefined))).toEqual(['ring', 'close', 'open']);
  });

  it('finds words in the event and in the state afterwards, all of them', () => {
    expect(typesIn(logOf(steps, { ...everything, text: 'CLOSED ri' }, undefined))).toEqual(['ring']);
  });

  it('leaves out what changed nothing, when asked', () => {
    expect(typesIn(logOf(steps, { ...everything, onlyChanges: true }, undefined))).toEqual(['close', 'open']);
  });

  it('shows only one actor, when asked', () => {
    expect(logOf(steps, { ...everything, sessionId: 'x:other' }, undefined)).toEqual([]);
  });

  it('stands still while it is paused, and nothing is lost of what happens meanwhile', () => {
    const focus = focusAfter(...opens, { type: 'log.paused' }, ...closes);
    expect(typesIn(logOf(momentsOf(focus), everything, focus.pausedAt))).toEqual(['open']);
    const resumed = focusAfter(...opens, { type: 'log.paused' }, ...closes, { type: 'log.resumed' });
    expect(typesIn(logOf(momentsOf(resumed), everything, resumed.pausedAt))).toEqual(['close', 'open']);
  });
});
