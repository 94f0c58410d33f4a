import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Interest } from '../../src/backplane/nats/interest.ts';
import type { Leases } from '../../src/backplane/nats/leases.ts';
import { Subjects } from '../../src/backplane/nats/subjects.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A node of its own at a server of a cluster, unless `cluster` says otherwise, and what it published. */
function node(id: string, others: readonly string[], cluster: string | undefined = 'cluster') {
  const published: string[] = [];
  const connection = {
    info: { cluster },
    publish: (subject: string, text: string) => published.push(`${subject} ${text}`),
  };
  const leases = { others: () => others };
  const subjects = new Subjects('troupe');
  const interest = new Interest(connection as unknown as NatsConnection, subjects, leases as unknown as Leases, id);
  const events: string[] = [];
  const confirm = async (what: string): Promise<void> => {
    await interest.confirm();
    events.push(what);
  };
  return { interest, published, events, confirm };
}

/** What `id` publishes when it is asked, without the subject. */
function answerOf(id: string, number: string): string {
  const { interest, published } = node(id, []);
  interest.answer('asker', number);
  return (published[0] ?? '').slice('asker '.length);
}

const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('the interest of a node in a cluster', () => {
  it('is known when all others have answered', async () => {
    const { interest, published, events, confirm } = node('me', ['one', 'two']);
    void confirm('first');
    await turn();
    expect(published).toEqual(['troupe.q 1']);
    interest.heard(answerOf('one', '1'));
    interest.heard(answerOf('one', '1'));
    interest.heard(answerOf('two', '0'));
    await turn();
    expect(events).toEqual([]);
    interest.heard(answerOf('two', '1'));
    await turn();
    expect(events).toEqual(['first']);
  });

  it('is asked for once more for all that came while others were asked', async () => {
    const { interest, published, events, confirm } = node('me', ['one']);
    void confirm('first');
    await turn();
    void confirm('second');
    void confirm('third');
    await turn();
    interest.heard(answerOf('one', '1'));
    await turn();
    expect([events, published]).toEqual([['first'], ['troupe.q 1', 'troupe.q 2']]);
    interest.heard(answerOf('one', '2'));
    await turn();
    expect(events).toEqual(['first', 'second', 'third']);
  });

  it('is not waited for longer than half a second', async () => {
    const { events, confirm } = node('me', ['one', 'dead']);
    void confirm('first');
    await vi.advanceTimersByTimeAsync(499);
    expect(events).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(events).toEqual(['first']);
  });

  it('needs no asking where there is one server, or one node', async () => {
    for (const { published, events, confirm } of [node('me', ['one'], ''), node('me', [])]) {
      void confirm('first');
      await turn();
      expect([published, events]).toEqual([[], ['first']]);
    }
  });
});
