import { describe, expect, it } from 'vitest';
import type { Owner } from '../../src/backplane/nats/directory.ts';
import { Pushes, type Attempt } from '../../src/backplane/nats/pushes.ts';

const ownerAt = (nodeId: string): Owner => ({ nodeId, connectionId: `of ${nodeId}`, epoch: 1 });

/** Pushes to whoever `directory.owner` is; what is sent stays unanswered until `answer` says what became of it. */
function pushes() {
  const directory: { owner: Owner | undefined } = { owner: ownerAt('one') };
  const sent: string[] = [];
  const open: ((attempt: Attempt) => void)[] = [];
  const made = new Pushes({
    find: async () => directory.owner,
    isTrusted: () => true,
    send(_name, { nodeId }, payload) {
      sent.push(`${Buffer.from(payload).toString()} to ${nodeId}`);
      return new Promise((resolve) => open.push(resolve));
    },
  });
  return {
    directory,
    sent,
    push: (text: string) => made.push('ada', Buffer.from(text)),
    /** What flies, in the order in which it was sent. */
    answer: (...attempts: Attempt[]) => open.splice(0, attempts.length).map((settle, at) => settle(attempts[at]!)),
    count: (count: number) => expect.poll(() => sent.length, { interval: 1 }).toBe(count),
  };
}

describe('pushes by name over NATS', () => {
  it('go to the next owner in their order: what was refused, what still flies, and what is pushed meanwhile', async () => {
    // What was refused was sent again by itself, when what had been pushed later was there already.
    const { directory, sent, push, answer, count } = pushes();
    const outcomes = [push('1')];
    await count(1);
    answer('delivered');
    await outcomes[0];
    outcomes.push(push('2'), push('3'), push('4'));
    directory.owner = ownerAt('two');
    answer('moved');
    outcomes.push(push('5'));
    await new Promise((resolve) => setImmediate(resolve));
    outcomes.push(push('6'));
    answer('moved', 'moved', 'moved');
    await count(10);
    outcomes.push(push('7'));
    expect(sent.slice(5)).toEqual(['2 to two', '3 to two', '4 to two', '5 to two', '6 to two', '7 to two']);
    answer(...outcomes.slice(1).map(() => 'delivered' as const));
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => 'delivered'));
  });

  it('are tried at two owners at most', async () => {
    const { directory, sent, push, answer, count } = pushes();
    const first = push('1');
    await count(1);
    answer('moved');
    directory.owner = ownerAt('two');
    await count(2);
    const second = push('2');
    answer('moved', 'nobody');
    expect(await first).toBe('unknown');
    expect(await second).toBe('unreachable');
    expect(sent).toEqual(['1 to one', '1 to two', '2 to two']);
  });

  it('are unknown when nobody owns the name any more, and unreachable when its owner does not listen', async () => {
    const { directory, push, answer, count } = pushes();
    const first = push('1');
    await count(1);
    answer('nobody');
    expect(await first).toBe('unreachable');
    const second = push('2');
    await count(2);
    directory.owner = undefined;
    answer('moved');
    expect(await second).toBe('unknown');
  });

  it('do not wait for one that is not answered in time, but look the owner up anew', async () => {
    const { directory, sent, push, answer, count } = pushes();
    const first = push('1');
    await count(1);
    directory.owner = ownerAt('two');
    answer('timeout');
    expect(await first).toBe('timeout');
    const second = push('2');
    await count(2);
    answer('congested');
    expect(await second).toBe('congested');
    expect(sent).toEqual(['1 to one', '2 to two']);
  });
});
