import { describe, expect, it } from 'vitest';
import { describe as show } from '../../src/inspector/describe.ts';
import { redactData, redactEvent } from '../../src/inspector/redaction.ts';

const event = (whose: 'own' | 'user', value: { type: string }) =>
  show(value, ['event'], redactEvent('all', whose, value.type));
const context = (whose: 'own' | 'user', value: unknown) => show(value, ['context'], redactData('all', whose));

describe('redaction, unless it is chosen otherwise,', () => {
  it('shows of a message how large it is', () => {
    expect(event('own', { type: 'ws.text', text: 'hello' } as never)).toMatchObject({
      type: 'ws.text',
      text: '[redacted 5 characters]',
    });
    expect(event('user', { type: 'ws.binary', data: new Uint8Array(7) } as never)).toMatchObject({
      data: '[redacted 7 bytes]',
    });
  });

  it('shows nothing of what a connection was authenticated with, wherever it stands', () => {
    const nested = { type: 'member.add', connection: { id: 'a', auth: { user: 'ann' } } };
    expect(event('own', nested)).toMatchObject({ connection: { id: 'a', auth: '[redacted object]' } });
    expect(context('own', { auth: 'ann', state: 'open' })).toMatchObject({
      auth: '[redacted 3 characters]',
      state: 'open',
    });
  });

  it('shows of the events of users their type and their fields, and what went wrong', () => {
    const given = { type: 'order.placed', card: '4111', items: [1, 2], error: 'no stock' };
    expect(event('user', given)).toMatchObject({
      type: 'order.placed',
      card: '[redacted 4 characters]',
      items: '[redacted 2 items]',
      error: 'no stock',
    });
  });

  it('shows of the events that a service is given what is no payload', () => {
    expect(event('user', { type: 'ws.close', code: 1000, reason: 'bye' } as never)).toMatchObject({
      code: 1000,
      reason: 'bye',
    });
  });

  it('shows of the context of a machine its keys', () => {
    expect(context('user', { nick: 'ann', count: 3, deep: { key: 1 }, none: null })).toMatchObject({
      nick: '[redacted 3 characters]',
      count: '[redacted number]',
      deep: '[redacted object]',
      none: '[redacted null]',
    });
    expect(context('user', 'all of it')).toBe('[redacted 9 characters]');
    expect(show({ a: 1 }, ['output'], redactData('all', 'user'))).toBe('[redacted object]');
  });
});

describe('redaction that was chosen', () => {
  it('shows everything for false', () => {
    expect(redactEvent('none', 'user', 'ws.text')).toBeUndefined();
    expect(redactData('none', 'user')).toBeUndefined();
  });

  it('asks the function, and nothing else', () => {
    const mine = (path: readonly string[], value: unknown): unknown => (path.at(-1) === 'card' ? '****' : value);
    const shown = show({ type: 'ws.text', text: 'open', card: '4111' }, ['event'], redactEvent(mine, 'own', 'ws.text'));
    expect(shown).toMatchObject({ text: 'open', card: '****' });
    expect(redactData(mine, 'user')).toBe(mine);
  });
});
