import { describe, expect, it } from 'vitest';
import { describe as show, describeError } from '../../src/inspector/describe.ts';
import { redactData, redactError, redactEvent } from '../../src/inspector/redaction.ts';

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

  it('shows of the events of users their type and the names of their fields', () => {
    const given = { type: 'order.placed', id: '4111', actorId: 'x', items: [1, 2], error: 'no stock', more: { a: 1 } };
    expect(event('user', given)).toEqual({
      type: 'order.placed',
      id: '[redacted 4 characters]',
      actorId: '[redacted 1 characters]',
      items: '[redacted 2 items]',
      error: '[redacted 8 characters]',
      more: '[redacted object]',
    });
    expect(event('user', { type: 'ws.login', password: 'x', reason: 'y' } as never)).toEqual({
      type: 'ws.login',
      password: '[redacted 1 characters]',
      reason: '[redacted 1 characters]',
    });
  });

  it('shows which actor an event of XState is about, and of what went wrong the class', () => {
    const failed = { type: 'xstate.error.actor.card', actorId: 'card', error: new TypeError('4111') };
    expect(event('user', failed)).toEqual({ ...failed, error: '[redacted TypeError, 4 characters]' });
    const thrown = { type: 'xstate.error.actor.card', actorId: '4111', error: { card: '4111' } };
    expect(JSON.stringify(event('user', thrown))).not.toContain('4111');
    expect(event('own', { type: 'handler.failed', error: { card: '4111' } } as never)).toMatchObject({
      error: '[redacted object]',
    });
    const named = Object.assign(new Error('x'), { name: 'card 4111' });
    expect(redactError('all')!(['error', 'name'], named.name)).toBe('Error');
    expect(describeError(named, redactError('all'))).toEqual({ name: 'Error', message: '[redacted 1 characters]' });
    expect(describeError({ card: '4111' }, redactError('all'))).toEqual({
      name: 'object',
      message: '[redacted object]',
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
    expect(context('user', new Map([['4111', 1]]))).toBe('[redacted object]');
    expect(context('user', Uint8Array.of(1, 2).buffer)).toBe('[redacted 2 bytes]');
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
