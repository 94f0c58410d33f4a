import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import type { LiveConnection } from '../../src/runtime/connection.ts';
import { deliveryOf, exceptedIds, Functions, outcomeOf } from '../../src/runtime/functions.ts';
import { createGroupsState, groupsLogic } from '../../src/runtime/groups.ts';
import { createNamedConnectionsState, namedConnectionsLogic } from '../../src/runtime/named-connections.ts';
import { Turns } from '../../src/runtime/turns.ts';
import { Events, type TroupeEvents } from '../../src/telemetry/events.ts';
import { bytesOf } from '../support/frames.ts';
import { fakeMembers, type FakeMember } from '../support/members.ts';

/** The functions see of a connection what a member is, and `tellReplaced`. */
function live(member: FakeMember): LiveConnection {
  return member as unknown as LiveConnection;
}

function newFunctions() {
  const names = createActor(namedConnectionsLogic<LiveConnection>(), {
    input: createNamedConnectionsState<LiveConnection>(),
  }).start();
  const groups = createActor(groupsLogic<LiveConnection>(), { input: createGroupsState<LiveConnection>() }).start();
  const events = new Events(new Turns());
  const letters: TroupeEvents['push.dead-lettered'][] = [];
  const replacements: TroupeEvents['connection.replaced'][] = [];
  events.on('push.dead-lettered', (event) => letters.push(event));
  events.on('connection.replaced', (event) => replacements.push(event));
  const functions = new Functions(names, groups, events);
  const members = fakeMembers(3);
  const [ann, bob, cas] = members as [FakeMember, FakeMember, FakeMember];
  return { functions, names, groups, letters, replacements, members, ann, bob, cas };
}

function codeOf(run: () => unknown): { code: string; isType: boolean; isRange: boolean } {
  try {
    run();
  } catch (error) {
    const { code } = error as { code: string };
    return { code, isType: error instanceof TypeError, isRange: error instanceof RangeError };
  }
  throw new Error('it was accepted');
}

const wrongType = { code: 'TROUPE_ARGUMENT_INVALID', isType: true, isRange: false };
const data = new Uint8Array([1, 2, 3]);

describe('pushing to a named connection', () => {
  it('delivers one frame', () => {
    const { functions, ann, letters } = newFunctions();
    expect(functions.store('a', live(ann))).toEqual({ status: 'ok', count: 1 });
    expect(functions.pushTextToConnection('a', 'hi')).toEqual({ status: 'delivered', count: 1 });
    expect(functions.pushBinaryToConnection('a', data)).toEqual({ status: 'delivered', count: 1 });
    expect(ann.frames.map((frame) => [...bytesOf(frame)])).toEqual([
      [0x81, 2, 104, 105],
      [0x82, 3, 1, 2, 3],
    ]);
    expect(letters).toEqual([]);
  });

  it('answers "unknown" for a name that nobody has, and reports a dead letter', () => {
    const { functions, letters } = newFunctions();
    expect(functions.pushTextToConnection('a', 'hi')).toEqual({ status: 'unknown', count: 0 });
    // The bytes are those of the message, without what framing adds.
    expect(letters).toEqual([
      { function: 'pushTextToConnection', target: 'a', status: 'unknown', bytes: 2, missed: 0 },
    ]);
  });

  it.each(['closed', 'congested'] as const)('answers "%s" and reports a dead letter', (answer) => {
    const { functions, ann, letters } = newFunctions();
    functions.store('a', live(ann));
    ann.answer = answer;
    expect(functions.pushBinaryToConnection('a', data)).toEqual({ status: answer, count: 0 });
    expect(letters).toMatchObject([{ function: 'pushBinaryToConnection', status: answer, missed: 1 }]);
  });

  it('answers "accepted" when the registry is busy, and delivers all the same', () => {
    const { functions, ann, bob } = newFunctions();
    functions.store('a', live(ann));
    functions.store('b', live(bob));
    const answers: unknown[] = [];
    ann.onPush = () => answers.push(functions.pushTextToConnection('b', 'hi'));
    functions.pushTextToConnection('a', 'hi');
    expect(answers).toEqual([{ status: 'accepted', count: 0 }]);
    expect(bob.frames).toHaveLength(1);
  });
});

describe('storing', () => {
  it('tells the one that is replaced, and reports it', () => {
    const { functions, ann, bob, replacements } = newFunctions();
    functions.store('a', live(ann));
    expect(functions.store('a', live(bob))).toEqual({ status: 'ok', count: 1 });
    expect(ann.replacedIn).toEqual(['a']);
    expect(bob.replacedIn).toEqual([]);
    expect(replacements).toEqual([{ name: 'a', connection: bob.id, previous: ann.id }]);
  });

  it('tells nobody when a connection stores itself again', () => {
    const { functions, ann, replacements } = newFunctions();
    functions.store('a', live(ann));
    functions.store('a', live(ann));
    expect(ann.replacedIn).toEqual([]);
    expect(replacements).toEqual([]);
  });

  it('removes the name and leaves the connection open', () => {
    const { functions, ann } = newFunctions();
    functions.store('a', live(ann));
    expect(functions.removeStoredConnection('a')).toEqual({ status: 'ok', count: 1 });
    expect(functions.removeStoredConnection('a')).toEqual({ status: 'unknown', count: 0 });
    expect(ann.closes).toEqual([]);
  });

  it('closes the stored connection, with 1000 unless told otherwise', () => {
    const { functions, ann, bob } = newFunctions();
    functions.store('a', live(ann));
    functions.store('b', live(bob));
    expect(functions.closeStoredConnection('a')).toEqual({ status: 'ok', count: 1 });
    expect(functions.closeStoredConnection('b', 4000, 'bye')).toEqual({ status: 'ok', count: 1 });
    expect(ann.closes).toEqual([{ code: 1000, reason: '' }]);
    expect(bob.closes).toEqual([{ code: 4000, reason: 'bye' }]);
    expect(functions.closeStoredConnection('a')).toEqual({ status: 'unknown', count: 0 });
  });
});

describe('groups', () => {
  it('are pushed to, with the number of members reached', () => {
    const { functions, members, letters } = newFunctions();
    for (const member of members) functions.addToGroup('g', live(member));
    expect(functions.pushTextToGroup('g', 'hi')).toEqual({ status: 'delivered', count: 3 });
    expect(functions.pushBinaryToGroup('g', data)).toEqual({ status: 'delivered', count: 3 });
    for (const { frames } of members) expect(frames.map((frame) => bytesOf(frame)[0])).toEqual([0x81, 0x82]);
    expect(letters).toEqual([]);
  });

  it('are pushed to but for some, named by connection or by id', () => {
    const { functions, members, ann, bob, cas } = newFunctions();
    for (const member of members) functions.addToGroup('g', live(member));
    expect(functions.pushTextToGroup('g', 'hi', { except: [live(ann), bob.id] })).toEqual({
      status: 'delivered',
      count: 1,
    });
    expect([ann.frames.length, bob.frames.length, cas.frames.length]).toEqual([0, 0, 1]);
  });

  it('answer "unknown" when they never existed, and count 0 when they are emptied', () => {
    const { functions, ann, letters } = newFunctions();
    expect(functions.pushTextToGroup('g', 'hi')).toEqual({ status: 'unknown', count: 0 });
    expect(letters.splice(0)).toEqual([
      { function: 'pushTextToGroup', target: 'g', status: 'unknown', bytes: 2, missed: 0 },
    ]);
    functions.addToGroup('g', live(ann));
    functions.removeFromGroup('g', live(ann));
    expect(functions.pushTextToGroup('g', 'hi')).toEqual({ status: 'delivered', count: 0 });
    expect(letters).toEqual([]);
  });

  it('report the members that they did not reach', () => {
    const { functions, members, ann, bob, cas, letters } = newFunctions();
    for (const member of members) functions.addToGroup('g', live(member));
    ann.answer = 'congested';
    expect(functions.pushTextToGroup('g', 'hi')).toEqual({ status: 'delivered', count: 2 });
    expect(letters.splice(0)).toMatchObject([{ target: 'g', status: 'congested', missed: 1 }]);
    bob.answer = cas.answer = 'congested';
    expect(functions.pushTextToGroup('g', 'hi')).toEqual({ status: 'congested', count: 0 });
    expect(letters).toMatchObject([{ target: 'g', status: 'congested', missed: 3 }]);
  });

  it('answer "accepted" when the registry is busy', () => {
    const { functions, ann, bob } = newFunctions();
    functions.addToGroup('g', live(ann));
    functions.addToGroup('h', live(bob));
    const answers: unknown[] = [];
    ann.onPush = () => answers.push(functions.pushTextToGroup('h', 'hi'));
    functions.pushTextToGroup('g', 'hi');
    expect(answers).toEqual([{ status: 'accepted', count: 0 }]);
    expect(bob.frames).toHaveLength(1);
  });

  it('are left, one by one', () => {
    const { functions, ann, bob } = newFunctions();
    functions.addToGroup('g', live(ann));
    expect(functions.isMember('g', live(ann))).toBe(true);
    expect(functions.removeFromGroup('g', live(bob))).toEqual({ status: 'not-a-member', count: 0 });
    expect(functions.removeFromGroup('g', live(ann))).toEqual({ status: 'ok', count: 1 });
    expect(functions.removeFromGroup('nowhere', live(ann))).toEqual({ status: 'unknown', count: 0 });
    expect(functions.isMember('g', live(ann))).toBe(false);
    expect(functions.isMember('nowhere', live(ann))).toBe(false);
  });

  it('are removed with a count of their members, who stay connected', () => {
    const { functions, ann, bob } = newFunctions();
    functions.addToGroup('g', live(ann));
    functions.addToGroup('g', live(bob));
    expect(functions.removeConnectionGroup('g')).toEqual({ status: 'ok', count: 2 });
    expect(functions.removeConnectionGroup('g')).toEqual({ status: 'unknown', count: 0 });
    expect(functions.pushTextToGroup('g', 'hi').status).toBe('unknown');
    expect(ann.closes).toEqual([]);
    expect(functions.addToGroup('g', live(ann))).toEqual({ status: 'ok', count: 1 });
  });

  it('are retired when they are removed so', () => {
    const { functions, ann } = newFunctions();
    functions.addToGroup('g', live(ann));
    functions.removeConnectionGroup('g', { retire: true });
    expect(functions.addToGroup('g', live(ann))).toEqual({ status: 'retired', count: 0 });
  });

  it('are closed: the group is gone and each member closes', () => {
    const { functions, ann, bob, cas } = newFunctions();
    functions.addToGroup('g', live(ann));
    functions.addToGroup('g', live(bob));
    functions.addToGroup('h', live(cas));
    expect(functions.closeConnectionGroup('g', 4001, 'over')).toEqual({ status: 'ok', count: 2 });
    expect(functions.closeConnectionGroup('g')).toEqual({ status: 'unknown', count: 0 });
    expect(functions.closeConnectionGroup('h')).toEqual({ status: 'ok', count: 1 });
    expect([ann.closes, bob.closes, cas.closes]).toEqual([
      [{ code: 4001, reason: 'over' }],
      [{ code: 4001, reason: 'over' }],
      [{ code: 1000, reason: '' }],
    ]);
  });
});

describe('arguments', () => {
  const { functions } = newFunctions();
  const number = 5 as unknown as string;

  it.each<[string, () => unknown]>([
    ['a number for a text', () => functions.pushTextToConnection('a', number)],
    ['a number for the text of a group', () => functions.pushTextToGroup('g', number)],
    ['a text for data', () => functions.pushBinaryToConnection('a', 'x' as unknown as Uint8Array)],
    ['an array for the data of a group', () => functions.pushBinaryToGroup('g', [1] as unknown as Uint8Array)],
    ['an empty name', () => functions.pushTextToConnection('', 'hi')],
    ['an empty group', () => functions.removeConnectionGroup('')],
    ['a number for a name', () => functions.removeStoredConnection(number)],
    ['a number for a group', () => functions.pushTextToGroup(number, 'hi')],
    ['no group', () => functions.closeConnectionGroup(null as unknown as string)],
    ['a name of 513 bytes', () => functions.removeStoredConnection('x'.repeat(513))],
    ['a group of 513 bytes in 171 characters and a bit', () => functions.removeConnectionGroup('€'.repeat(171))],
    ['no name', () => functions.closeStoredConnection(undefined as unknown as string)],
    ['a code that is no number', () => functions.closeStoredConnection('a', '1000' as unknown as number)],
    ['a reason that is no text', () => functions.closeConnectionGroup('g', 1000, number)],
  ])('throw at the call: %s', (_name, run) => {
    expect(codeOf(run)).toEqual(wrongType);
  });

  it.each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, Number.NaN])(
    'throw at the call: the close code %d',
    (code) => {
      const expected = { code: 'TROUPE_CLOSE_CODE_INVALID', isType: false, isRange: true };
      expect(codeOf(() => functions.closeStoredConnection('a', code))).toEqual(expected);
      expect(codeOf(() => functions.closeConnectionGroup('g', code))).toEqual(expected);
    },
  );

  it.each([1000, 1001, 1003, 1007, 1014, 3000, 4999])('may be the close code %d', (code) => {
    expect(functions.closeStoredConnection('nobody', code)).toMatchObject({ status: 'unknown' });
  });

  it('throw at the call: a reason of more than 123 bytes', () => {
    const expected = { code: 'TROUPE_CLOSE_REASON_TOO_LONG', isType: false, isRange: true };
    expect(codeOf(() => functions.closeStoredConnection('a', 1000, '€'.repeat(42)))).toEqual(expected);
    expect(functions.closeStoredConnection('nobody', 1000, '€'.repeat(41))).toMatchObject({ status: 'unknown' });
  });

  it('may be a name of 512 bytes', () => {
    expect(functions.removeStoredConnection('x'.repeat(512))).toMatchObject({ status: 'unknown' });
    expect(functions.removeStoredConnection('€'.repeat(170))).toMatchObject({ status: 'unknown' });
  });

  it('are checked before anything is done', () => {
    const made = newFunctions();
    made.functions.addToGroup('g', live(made.ann));
    codeOf(() => made.functions.closeConnectionGroup('g', 1006));
    expect(made.functions.pushTextToGroup('g', 'hi').count).toBe(1);
  });
});

describe('answers', () => {
  it('without a count of their own are shared and cannot be changed', () => {
    expect(deliveryOf('closed')).toBe(deliveryOf('closed'));
    expect(outcomeOf('unknown')).toBe(outcomeOf('unknown'));
    expect(Object.isFrozen(deliveryOf('delivered'))).toBe(true);
    expect(Object.isFrozen(outcomeOf('ok'))).toBe(true);
  });

  it('count one when it was done, and none otherwise', () => {
    expect(deliveryOf('delivered').count).toBe(1);
    expect(deliveryOf('congested').count).toBe(0);
    expect(outcomeOf('ok').count).toBe(1);
    expect(outcomeOf('retired').count).toBe(0);
  });

  it('can be awaited', async () => {
    await expect(Promise.resolve(deliveryOf('closed'))).resolves.toEqual({ status: 'closed', count: 0 });
  });
});

describe('whom to leave out', () => {
  it('is nobody when nothing is said', () => {
    expect(exceptedIds(undefined)).toBeUndefined();
    expect(exceptedIds({})).toBeUndefined();
    expect(exceptedIds({ except: [] })).toBeUndefined();
  });

  it('is said by connection or by id', () => {
    const [ann] = fakeMembers(1) as [FakeMember];
    expect(exceptedIds({ except: [live(ann), 'an id'] })).toEqual(new Set([ann.id, 'an id']));
  });
});
