import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCodes, TroupeError, TroupeRangeError, TroupeTypeError, type ErrorCode } from 'troupe';

const root = new URL('..', import.meta.url).pathname;

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The names of the fields of each error, as `src/errors.ts` declares them. */
const declaredFields = new Map(
  [...read('src/errors.ts').matchAll(/^ {2}(TROUPE_\w+): \(fields: \{ ([^}]*) \}\)/gm)].map(
    ([, code = '', fields = '']) => [code, [...fields.matchAll(/(\w+):/g)].map(([, name = '']) => name)],
  ),
);

/** The rows of the table in `docs/errors.md`. */
const documented = read('docs/errors.md')
  .split('\n')
  .filter((line) => /^\| *`/.test(line))
  .map((line) => {
    const [code = '', happened = '', solution = '', fields = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return {
      code: code.replaceAll('`', ''),
      happened,
      solution,
      fields: fields.split(', ').map((one) => one.replaceAll('`', '')),
    };
  });

/** Fields whose values say where they came from: a message that leaves one out, or repeats too much, shows. */
function sample(code: ErrorCode): TroupeError {
  const names = declaredFields.get(code) ?? [];
  const fields = Object.fromEntries(
    names.map((name) => [name, name === 'registered' ? ['<one>', '<two>'] : `<${name}>`]),
  );
  // Which fields belong to which code is known to the types alone, and a loop over codes is beyond them.
  const Sample = TroupeError as unknown as new (code: ErrorCode, fields: object) => TroupeError;
  return new Sample(code, fields);
}

describe('the catalogue and docs/errors.md', () => {
  it('have the same codes in the same order', () => {
    expect(documented.map(({ code }) => code)).toEqual(errorCodes);
  });

  it.each(documented)('agree on the fields of $code', ({ code, fields }) => {
    expect(fields).toEqual(declaredFields.get(code));
  });

  it.each(documented)('say what happened and how to solve it: $code', ({ happened, solution }) => {
    for (const text of [happened, solution]) expect(text).toMatch(/^[A-Z`].{20,}\.$/);
  });
});

describe('each code', () => {
  it.each(errorCodes)('%s names itself as the others do', (code) => {
    expect(code).toMatch(/^TROUPE(_[A-Z]+)+$/);
  });

  it.each(errorCodes)('%s is thrown or reported somewhere in src', (code) => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && file !== 'errors.ts')
      .map((file) => read(`src/${file}`));
    const thrown = new RegExp(`new Troupe(Type|Range)?Error\\(\\s*'${code}'`);
    expect(sources.some((source) => thrown.test(source))).toBe(true);
  });

  it.each(errorCodes)('%s has a message that says what happened and what to do', (code) => {
    const { message } = sample(code);
    expect(message).not.toMatch(/undefined|\[object|\s\s/);
    expect(message).toMatch(/\.$/);
    // Two sentences, or one that says where to put it or what it must be.
    expect(message).toMatch(/[.;] [A-Z`'"a-z].*\.$|belongs on|must be/);
  });

  it.each(errorCodes)('%s has every field that its message is made of', (code) => {
    const { message, fields } = sample(code);
    const inMessage = [...message.matchAll(/<(\w+)>/g)].map(([, name]) => name);
    const known = Object.entries(fields as object).flatMap(([name, value]) =>
      Array.isArray(value) ? ['one', 'two'] : [name],
    );
    expect(known).toEqual(expect.arrayContaining(inMessage));
    expect(inMessage.length).toBeGreaterThan(0);
  });
});

describe('an error', () => {
  it('carries code, fields, name, message and cause', () => {
    const cause = new Error('beneath');
    const error = new TroupeError('TROUPE_ADDRESS_IN_USE', { host: '127.0.0.1', port: 80 }, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'TroupeError',
      code: 'TROUPE_ADDRESS_IN_USE',
      fields: { host: '127.0.0.1', port: 80 },
      cause,
    });
    expect(String(error)).toMatch(/^TroupeError: Port 80 on 127\.0\.0\.1 is in use/);
  });

  it('has no cause when there is none', () => {
    expect('cause' in new TroupeError('TROUPE_CLOSED', { state: 'closed' })).toBe(false);
  });

  it.each([
    [TroupeTypeError, TypeError, 'TroupeTypeError'],
    [TroupeRangeError, RangeError, 'TroupeRangeError'],
  ] as const)('of a wrong call is the built-in kind as well: %#', (Kind, BuiltIn, name) => {
    const fields = { argument: 'text', expected: 'a string', received: 'a number' };
    const error = new Kind('TROUPE_ARGUMENT_INVALID', fields);
    expect(error).toBeInstanceOf(BuiltIn);
    expect(error).toMatchObject({ name, code: 'TROUPE_ARGUMENT_INVALID', fields });
    expect(error.message).toBe('text must be a string, but is a number.');
  });

  it('lists what exists when a name is unknown', () => {
    const messageFor = (registered: string[]): string =>
      new TroupeError('TROUPE_SERVICE_UNKNOWN', { service: '/chat', registered }).message;
    expect(messageFor(['/echo', '/lobby'])).toContain('Registered: "/echo", "/lobby".');
    expect(messageFor([])).toContain('Registered: none.');
  });
});
