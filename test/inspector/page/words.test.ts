import { describe, expect, it } from 'vitest';
import { textOfDropped } from '../../../src/inspector/page/state/dropped.ts';
import {
  livesOf,
  stateOfIncident,
  textOfIncident,
  type Incident,
} from '../../../src/inspector/page/state/incidents.ts';
import { total } from '../../../src/inspector/page/state/reduce.ts';
import { sequenceDiagram } from '../../../src/inspector/page/state/sequence.ts';
import {
  shortTextOfValue,
  textOfAge,
  textOfBytes,
  textOfDescribed,
  textOfValue,
} from '../../../src/inspector/page/state/value.ts';
import { actor, arrived, crash, deadLetter, event, hello, linked, snapshot, stateAfter } from './frames.ts';

describe('a state value', () => {
  it.each([
    ['open', 'open'],
    [{ chatting: 'quiet' }, 'chatting.quiet'],
    [{ present: { chatting: 'quiet' } }, 'present.chatting.quiet'],
    [{ lifecycle: { open: 'ready' }, outbound: 'flowing' }, 'lifecycle: open.ready, outbound: flowing'],
    [{ a: { b: 'c', d: 'e' }, f: 'g' }, 'a: (b: c, d: e), f: g'],
    [{ off: {} }, 'off'],
    [undefined, ''],
    [['odd'], ''],
    [7, ''],
  ])('%j reads %j', (value, text) => {
    expect(textOfValue(value)).toBe(text);
  });
});

describe('a state value where there is little room', () => {
  it.each([
    [{ present: { chatting: 'quiet' } }, 'present.chatting.quiet'],
    [{ connected: { lifecycle: { open: 'ready' }, outbound: 'flowing' } }, 'open.ready, flowing'],
    ['closed', 'closed'],
    [{ off: {} }, 'off'],
    [undefined, ''],
  ])('%j reads %j', (value, text) => {
    expect(shortTextOfValue(value)).toBe(text);
  });
});

describe('what the server describes', () => {
  it('is cut where it grows beyond what anybody reads', () => {
    expect(textOfDescribed('x'.repeat(100_000)).length).toBeLessThan(20_100);
  });

  it('reads as bytes and ages do', () => {
    expect([12, 3_500, 5_242_880].map(textOfBytes)).toEqual(['12 B', '3.4 KiB', '5.0 MiB']);
    expect([-5, 900, 42_000, 420_000, 10_800_000, 200_000_000].map(textOfAge)).toEqual([
      'just now',
      'just now',
      '42 s',
      '7 min',
      '3 h',
      '2 days',
    ]);
  });
});

describe('what the server left out', () => {
  const text = (...frames: readonly { readonly count: number; readonly busy: number }[]): string => {
    const dropped = frames.map((frame) => arrived({ type: 'troupe.dropped', at: 0, ...frame }));
    return textOfDropped(stateAfter('', ...linked, ...dropped).dropped, 2000);
  };
  const [many, long] = ['more than 2000 a second', 'describing them took too long'];

  it('is told with the reason, and not at all when it is nothing', () => {
    expect(text()).toBe('');
    expect(text({ count: 5, busy: 0 }, { count: 2, busy: 0 })).toBe(
      `The server left out 7 frames: there were ${many}.`,
    );
    expect(text({ count: 5, busy: 5 })).toBe(`The server left out 5 frames: ${long}.`);
    expect(text({ count: 5, busy: 0 }, { count: 2, busy: 1 })).toContain(`${many}, or ${long}`);
  });

  it('is nothing again after a restart of the server', () => {
    const dropped = arrived({ type: 'troupe.dropped', at: 0, count: 5, busy: 0 });
    const restarted = [{ type: 'link.opened' }, arrived(hello('second'))] as const;
    expect(stateAfter('', ...linked, dropped, ...restarted).dropped.count).toBe(0);
  });
});

describe('an incident', () => {
  const numbered = (frame: ReturnType<typeof crash> | ReturnType<typeof deadLetter>): Incident => ({
    ...frame,
    sequence: 1,
    server: 'first',
  });

  it('that is a crash says where, during what, and in which states', () => {
    expect(textOfIncident(numbered(crash(5)))).toBe('TypeError in chat during ws.text: no nick');
    expect(stateOfIncident(numbered(crash(5)))).toBe(
      'machine: naming; connection: connected (lifecycle: message, outbound: flowing)',
    );
  });

  it('that is a dead letter says which push reached nobody', () => {
    expect(textOfIncident(numbered(deadLetter('alice')))).toBe('pushTextToConnection to “alice”: unknown, 2.0 KiB');
  });

  it('counts as new until it is looked at', () => {
    const before = stateAfter('', ...linked, arrived(crash(1)), arrived(deadLetter('bob')));
    expect(total(before) - before.incidentsSeen).toBe(2);
    const looked = stateAfter('#/incidents', ...linked, arrived(crash(1)), arrived(deadLetter('bob')));
    expect(total(looked) - looked.incidentsSeen).toBe(0);
  });

  it('is of the life of the server in which it happened', () => {
    const restarted = [{ type: 'link.opened' }, arrived(hello('second'))] as const;
    const livesAfter = (...actions: Parameters<typeof stateAfter>[1][]) => {
      const { incidents, hello } = stateAfter('', ...linked, ...actions);
      const lives = livesOf(incidents.items.toReversed(), hello?.server);
      return lives.map(({ server, incidents }) => [server, incidents.map(({ at }) => at)]);
    };
    expect(livesAfter()).toEqual([['first', []]]);
    expect(livesAfter(arrived(crash(1)), arrived(crash(2)))).toEqual([['first', [2, 1]]]);
    expect(livesAfter(arrived(crash(1)), ...restarted)).toEqual([
      ['second', []],
      ['first', [1]],
    ]);
    expect(livesAfter(arrived(crash(1)), ...restarted, arrived(crash(2)))).toEqual([
      ['second', [2]],
      ['first', [1]],
    ]);
  });

  it('is one of the latest 500', () => {
    const many = Array.from({ length: 600 }, (_, at) => arrived(crash(at)));
    const { incidents } = stateAfter('', ...linked, ...many);
    expect(incidents.items).toHaveLength(500);
    expect(incidents.dropped).toBe(100);
  });
});

describe('the sequence diagram', () => {
  const steps = (hash: string, ...frames: Parameters<typeof arrived>[0][]) =>
    stateAfter(hash, ...linked, ...frames.map((frame) => arrived(frame))).focus?.watched.get('x:9')?.steps.items ?? [];
  const seen = steps(
    '#/actor/x%3A9',
    actor('x:9', 'door'),
    event('x:9', 'open'),
    event('x:9', 'close', 0, 'x:4'),
    event('x:9', 'tick', 0, 'x:9'),
    snapshot('x:9', 'xstate.init', 'closed'),
  );
  const names = new Map([['x:9', 'door']]);
  const diagram = sequenceDiagram(seen, (sessionId) => names.get(sessionId));

  it('has a lifeline for each actor, and one for all that is none', () => {
    expect(diagram.lifelines.map(({ name }) => name)).toEqual(['outside', 'door', 'x:4']);
  });

  it('has an arrow for each event that was sent, from its sender to its receiver', () => {
    expect(diagram.messages.map(({ from, to, text }) => [from, to, text])).toEqual([
      [0, 1, 'open'],
      [2, 1, 'close'],
      [1, 1, 'tick'],
    ]);
  });

  it('knows by its type who sent what a connection is given', () => {
    const actors = [
      { sessionId: 'x:9', role: 'lifecycle' },
      { sessionId: 'x:10', role: 'service' },
    ] as const;
    const told = steps(
      '#/actor/x%3A9',
      actor('x:9', 'door'),
      ...['ws.text', 'handler.settled', 'heartbeat.silent', 'close.requested'].map((type) => event('x:9', type)),
    );
    const { lifelines, messages } = sequenceDiagram(told, (sessionId) => names.get(sessionId) ?? 'machine', actors);
    expect(messages.map(({ from, to, text }) => [lifelines[from]?.name, lifelines[to]?.name, text])).toEqual([
      ['remote side', 'door', 'ws.text'],
      ['machine', 'door', 'handler.settled'],
      ['door', 'door', 'heartbeat.silent'],
      ['outside', 'door', 'close.requested'],
    ]);
    expect(lifelines.map(({ name }) => name)).toEqual(['outside', 'remote side', 'door', 'machine']);
  });

  it('shows the latest sixty messages and at most twelve lifelines', () => {
    const many = steps(
      '#/actor/x%3A9',
      actor('x:9', 'door'),
      ...Array.from({ length: 100 }, (_, index) => event('x:9', `e${index}`, 0, `x:${index + 100}`)),
    );
    const { messages, lifelines } = sequenceDiagram(many, () => undefined);
    expect(messages).toHaveLength(60);
    expect(messages.at(-1)?.text).toBe('e99');
    expect(lifelines).toHaveLength(12);
  });
});
