import { describe, expect, it } from 'vitest';
import { Ledger } from '../../bench/crowd/ledger.ts';
import { textOf } from '../../bench/crowd/texts.ts';
import { NumberedMessages } from '../../bench/soak/messages.ts';
import { broadcastOf, sentAt } from '../../bench/stalled/broadcasts.ts';

// A figure counts only if every message came, unaltered and in order: these are the checks of that.

const text = (content: string): Buffer => Buffer.from(content);

describe('the ledger', () => {
  it('settles when everything came, in the order of each client', async () => {
    const ledger = new Ledger();
    ledger.expect(1, text('one'));
    ledger.expect(2, text('other'));
    ledger.expect(1, text('two'));
    const settled = ledger.settled();
    ledger.received(2, text('other'));
    ledger.received(1, text('one'));
    ledger.received(1, text('two'));
    await settled;
    expect(ledger.checked).toBe(3);
  });

  it('refuses messages in the wrong order', async () => {
    const ledger = new Ledger();
    ledger.expect(1, text('one'));
    ledger.expect(1, text('two'));
    ledger.received(1, text('two'));
    await expect(ledger.settled()).rejects.toThrow('client 1 expected "one" and received "two"');
  });

  it('refuses a message that nobody was to get', async () => {
    const ledger = new Ledger();
    ledger.expect(1, text('one'));
    const settled = ledger.settled();
    ledger.received(2, text('one'));
    await expect(settled).rejects.toThrow('client 2 expected nothing and received "one"');
  });

  it('remembers a failure until it is asked', async () => {
    const ledger = new Ledger();
    ledger.fail(new Error('the connection is gone'));
    await expect(ledger.settled()).rejects.toThrow('the connection is gone');
  });
});

describe('numbered messages', () => {
  it('follow one another within their kind', () => {
    const messages = new NumberedMessages();
    for (const [kind, number] of [
      ['verse', 0],
      ['group', 0],
      ['verse', 1],
    ] as const) {
      messages.take(textOf(kind, number), false);
    }
    expect([messages.next('verse'), messages.next('group'), messages.next('broadcast')]).toEqual([2, 1, 0]);
  });

  it.each([
    ['twice', textOf('verse', 0)],
    ['too early', textOf('verse', 2)],
    ['altered', textOf('verse', 1).replace('...', '.!.')],
  ])('are refused when one comes %s', (_how, wrong) => {
    const messages = new NumberedMessages();
    messages.take(textOf('verse', 0), false);
    expect(() => messages.take(wrong, false)).toThrow('expected verse 1');
  });

  it('may begin in the middle for a client that came then, and for no other', () => {
    new NumberedMessages().take(textOf('broadcast', 7), true);
    expect(() => new NumberedMessages().take(textOf('broadcast', 7), false)).toThrow('expected broadcast 0');
  });
});

describe('a broadcast', () => {
  it('tells when it was sent', () => {
    expect(sentAt(broadcastOf(3, 123_456), 3)).toBe(123_456);
  });

  it('is refused as another one, and when it was altered', () => {
    expect(() => sentAt(broadcastOf(3, 1), 4)).toThrow('expected broadcast 4');
    expect(() => sentAt(`${broadcastOf(3, 1)} `, 3)).toThrow('expected broadcast 3');
  });
});
