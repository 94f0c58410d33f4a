import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { queryOf, validate, type Given } from '../../src/service/validation.ts';

/** A schema that says `message` of everything. */
function saying(message: string, path?: StandardSchemaV1.Issue['path']): StandardSchemaV1 {
  const issue = path === undefined ? { message } : { message, path };
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [issue] }) } };
}

async function problem(message: string, given: Given = {}, path?: StandardSchemaV1.Issue['path']): Promise<string> {
  const validated = await validate('the parameter', saying(message, path), given);
  return 'problem' in validated ? validated.problem : 'none';
}

describe('what is said of a problem', () => {
  it('names the parameter, however deep the problem is', async () => {
    expect(await problem('is wrong', {}, ['tag', 0])).toBe('the parameter "tag": is wrong');
    expect(await problem('is wrong', {}, [{ key: 'tag' }])).toBe('the parameter "tag": is wrong');
    expect(await problem('is wrong')).toBe('the parameter: is wrong');
  });

  it('leaves out what was given, as it is and as JSON shows it', async () => {
    const given = { a: 'evil "value"', b: ['evil'] };
    expect(await problem('got "evil \\"value\\"" and evil "value" and evil', given)).toBe(
      'the parameter: got "…" and … and …',
    );
  });

  it('keeps words that are as short as those of a message', async () => {
    expect(await problem('a must be a or b', { x: 'a', y: 'be' })).toBe('the parameter: a must be a or b');
  });

  it('is bounded', async () => {
    expect((await problem('x'.repeat(10_000))).length).toBeLessThan(250);
    expect((await problem('x', {}, ['y'.repeat(10_000)])).length).toBeLessThan(100);
  });

  it('is one line without anything that a page or a terminal would act upon (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (message, key) => {
        expect(await problem(message, {}, [key])).not.toMatch(/[<>&`\\\p{C}\u2028\u2029]/u);
      }),
    );
  });

  it('holds no value of any length worth while (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[a-z]{5,20}$/), async (value) => {
        expect(await problem(`EXPECTED 1 BUT GOT "${value}" (${value}${value})`, { a: value })).not.toContain(value);
      }),
    );
  });
});

describe('a query', () => {
  it('is what URLSearchParams says, by name (property)', () => {
    const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', 'toString'), fc.string()));
    fc.assert(
      fc.property(pairs, (entries) => {
        const search = new URLSearchParams(entries);
        const given = queryOf(search);
        expect(Object.keys(given).toSorted()).toEqual([...new Set(search.keys())].toSorted());
        for (const [name, value] of Object.entries(given)) expect([value].flat()).toEqual(search.getAll(name));
      }),
    );
  });
});
