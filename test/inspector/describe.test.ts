import { describe, expect, it } from 'vitest';
import { cut, defaultBounds, describe as show, describeError, describeWhole } from '../../src/inspector/describe.ts';

/** What arrives at a viewer. */
const arrives = (value: unknown): unknown => JSON.parse(JSON.stringify(show(value)));

describe('a description', () => {
  it('shows plain data as it is', () => {
    const plain = { text: 'a', number: 1.5, truth: true, nothing: null, list: [1, ['two']], nested: { deep: {} } };
    expect(arrives(plain)).toEqual(plain);
  });

  it('leaves out what JSON leaves out, but in a list says that it is there', () => {
    expect(arrives({ gone: undefined, list: [undefined] })).toEqual({ list: ['[undefined]'] });
  });

  it('shows what JSON cannot hold as text', () => {
    const odd = {
      big: 12n,
      huge: 10n ** 1000n,
      notANumber: NaN,
      endless: -Infinity,
      symbol: Symbol('mark'),
      named: function greet() {},
      unnamed: () => {},
      pattern: /a+/g,
      promise: Promise.resolve(1),
      date: new Date(0),
      map: new Map<unknown, unknown>([
        ['a', 1],
        [{}, 2],
      ]),
      set: new Set([1, 2]),
    };
    expect(arrives(odd)).toEqual({
      big: '12n',
      huge: '[a huge bigint]',
      notANumber: '[NaN]',
      endless: '[-Infinity]',
      symbol: 'Symbol(mark)',
      named: '[function greet]',
      unnamed: '[function unnamed]',
      pattern: '/a+/g',
      promise: '[promise]',
      date: '1970-01-01T00:00:00.000Z',
      map: { a: 1, '[object]': 2 },
      set: [1, 2],
    });
  });

  it('shows binary data by its length and its first 32 bytes', () => {
    expect(show(Uint8Array.of(0, 255, 16))).toBe('[3 bytes: 00ff10]');
    expect(show(new Uint8Array(1000).fill(1))).toBe(`[1000 bytes: ${'01'.repeat(32)}…]`);
    expect(show(new ArrayBuffer(2))).toBe('[2 bytes: 0000]');
  });

  it('cuts strings at 2 000 characters, and no pair of surrogates in two', () => {
    expect(show('a'.repeat(2001))).toBe(`${'a'.repeat(2000)}… [1 more characters]`);
    expect(cut('ab😀', 3)).toBe('ab… [2 more characters]');
  });

  it('shows 100 keys, items and entries, and says how many more there are', () => {
    const many = Array.from({ length: 130 }, (_, index) => index);
    expect(show(many)).toEqual([...many.slice(0, 100), '[30 more items]']);
    const keys = arrives(Object.fromEntries(many.map((key) => [`k${key}`, key]))) as object;
    expect(Object.keys(keys)).toHaveLength(101);
    expect(keys).toMatchObject({ k99: 99, '…': '[30 more keys]' });
    expect(arrives(new Map(many.map((key) => [key, key])))).toMatchObject({ '…': '[30 more entries]' });
  });

  it('shows six levels', () => {
    const deep = { a: { b: { c: { d: { e: { f: { g: 1 }, list: [] } } } } } };
    expect(arrives(deep)).toEqual({ a: { b: { c: { d: { e: { f: '[object]', list: '[list]' } } } } } });
  });

  it('stays small as a whole, however many small things there are', () => {
    const level = (depth: number): unknown =>
      depth === 0 ? 'leaf' : Object.fromEntries(Array.from({ length: 50 }, (_, key) => [key, level(depth - 1)]));
    expect(JSON.stringify(show(level(3))).length).toBeLessThan(2 * defaultBounds.total);
  });

  it('says where something is within itself, and shows twice what is there twice', () => {
    const cyclic: Record<string, unknown> = { shared: { a: 1 } };
    cyclic['again'] = cyclic['shared'];
    cyclic['self'] = [cyclic];
    expect(arrives(cyclic)).toEqual({ shared: { a: 1 }, again: { a: 1 }, self: ['[cyclic]'] });
  });

  it('reads a property once, and says so where that throws', () => {
    let reads = 0;
    const hostile = {
      get counted() {
        return ++reads;
      },
      get broken(): never {
        throw new Error('secret');
      },
      after: 1,
    };
    expect(arrives(hostile)).toEqual({ counted: 1, broken: '[threw when read]', after: 1 });
    expect(reads).toBe(1);
  });

  it('calls toJSON once, and says so where that throws', () => {
    let calls = 0;
    const counted = { toJSON: () => ({ calls: ++calls, toJSON: 'data' }) };
    const broken = {
      toJSON() {
        throw new Error('secret');
      },
    };
    const itself = {
      own: 1,
      toJSON() {
        return this;
      },
    };
    expect(arrives({ counted, broken, text: { toJSON: () => 'text' } })).toEqual({
      counted: { calls: 1, toJSON: 'data' },
      broken: '[unreadable]',
      text: 'text',
    });
    expect(arrives(itself)).toMatchObject({ own: 1 });
  });

  // Bytes were shown as an object with a key for each of them, all of which were listed first.
  it('shows what toJSON returns as anything else', () => {
    const giving = (json: unknown): object => ({ toJSON: () => json });
    expect(show(giving(new Uint8Array(5_000_000)))).toMatch(/^\[5000000 bytes: /);
    const many = Array.from({ length: 130 }, (_, index) => index);
    const shown = { error: giving(new TypeError('x')), map: giving(new Map([['a', 1]])), list: giving(new Set(many)) };
    expect(arrives(shown)).toEqual({
      error: expect.objectContaining({ name: 'TypeError', message: 'x' }),
      map: { a: 1 },
      list: [...many.slice(0, 100), '[30 more items]'],
    });
    const levels = (depth: number): object => giving(depth === 0 ? {} : { a: levels(depth - 1) });
    expect(JSON.stringify(show(levels(9))).match(/"a"/g)).toHaveLength(6);
    const hide = (_path: readonly string[], value: unknown): unknown => (value instanceof Map ? '****' : value);
    expect(show(giving(new Map()), [], hide)).toBe('****');
  });

  // All keys of an object were listed for each snapshot.
  it('does not list very many keys again and again', () => {
    let listed = 0;
    const keys: Record<string, unknown> = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`k${index}`, index]),
    );
    const slow = new Proxy(keys, {
      ownKeys(target) {
        listed++;
        for (const until = performance.now() + 5; performance.now() < until;);
        return Reflect.ownKeys(target);
      },
    });
    expect(arrives(slow)).toMatchObject({ k0: 0, k99: 99, '…': '[4900 more keys]' });
    keys['k0'] = 'changed';
    expect(arrives(slow)).toMatchObject({ k0: 'changed', k99: 99, '…': '[4900 more keys]' });
    expect(listed).toBe(1);
  });

  it('survives proxies of every kind', () => {
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const trap = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no');
        },
      },
    );
    const endless: object = new Proxy(
      {},
      { ownKeys: () => ['more'], get: (_, key) => (key === 'more' ? endless : undefined) },
    );
    const tells = new Proxy({ a: 1 }, {});
    expect(arrives({ revoked, trap, tells })).toEqual({
      revoked: '[unreadable]',
      trap: '[unreadable]',
      tells: { a: 1 },
    });
    expect(() => show(endless)).not.toThrow();
  });

  it('keeps keys that mean something to prototypes as data', () => {
    const value = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as object;
    expect(JSON.stringify(show(value))).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect('polluted' in {}).toBe(false);
  });

  it('shows what redaction puts in its place, and nothing where redaction fails', () => {
    const seen: string[] = [];
    const shown = show({ open: 1, secret: 'x', broken: 2 }, ['event'], (path, value) => {
      seen.push(path.join('.'));
      if (path[1] === 'broken') throw new Error('no');
      return path[1] === 'secret' ? '***' : value;
    });
    expect(shown).toMatchObject({ open: 1, secret: '***', broken: '[redacted]' });
    expect(seen).toEqual(['event', 'event.open', 'event.secret', 'event.broken']);
  });

  it('can be had whole or not at all', () => {
    const bounds = { ...defaultBounds, total: 100 };
    expect(describeWhole({ a: 1 }, [], (_, value) => value, bounds)).toMatchObject({ a: 1 });
    expect(describeWhole({ a: 'x'.repeat(200) }, [], (_, value) => value, bounds)).toBeUndefined();
  });
});

describe('the description of an error', () => {
  it('has its name, message and stack', () => {
    const error = new TypeError('broken');
    expect(describeError(error)).toEqual({ name: 'TypeError', message: 'broken', stack: error.stack });
    expect(show({ error })).toMatchObject({ error: { name: 'TypeError', message: 'broken' } });
  });

  it('asks about each part of it, and leaves out the stack of a message that is not shown', () => {
    const error = new TypeError('4111');
    const asked: string[] = [];
    const all = describeError(error, (path, value) => {
      asked.push(path.join('.'));
      return value;
    });
    expect(all).toEqual({ name: 'TypeError', message: '4111', stack: error.stack });
    expect(asked).toEqual(['error', 'error.name', 'error.message', 'error.stack']);
    const some = (path: readonly string[], value: unknown): unknown => (path.at(-1) === 'message' ? '****' : value);
    expect(describeError(error, some)).toEqual({ name: 'TypeError', message: '****' });
    expect(describeError(error, () => '****')).toEqual({ name: 'unknown', message: '****' });
  });

  it('takes anything that is thrown', () => {
    expect(describeError('text')).toEqual({ name: 'string', message: 'text' });
    expect(describeError({ code: 1 })).toEqual({ name: 'object', message: '{"code":1}' });
    expect(describeError(undefined)).toEqual({ name: 'undefined', message: 'null' });
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'message', {
      get() {
        throw new Error('no');
      },
    });
    expect(describeError(hostile)).toEqual({ name: 'unknown', message: '[unreadable]' });
  });
});
