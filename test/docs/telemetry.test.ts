import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventNames } from '../../src/telemetry/facts.ts';
import { definitions } from '../../src/telemetry/otel/instruments.ts';

// docs/telemetry.md and the code say the same, in both directions.

const root = new URL('../..', import.meta.url).pathname;
const page = readFileSync(`${root}docs/telemetry.md`, 'utf8');

/** The rows of the table with that heading, cells without their code marks. */
function table(heading: string): readonly (readonly string[])[] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^\\| ${heading} +\\|`).test(line));
  const rows = lines.slice(start + 2, lines.indexOf('', start));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

const source = readFileSync(`${root}src/telemetry/facts.ts`, 'utf8');
const declarations = source.slice(
  source.indexOf('interface TroupeEvents'),
  source.indexOf('export type TroupeEventName'),
);

/** The fields of each fact as `src/telemetry/facts.ts` declares them. */
const declared = new Map(
  [...declarations.matchAll(/^ {2}'([\w.-]+)': (\{ .* \};|\{\n[\s\S]*?^ {2}\};|MessageFact;|Readonly.*)$/gm)].map(
    ([, name = '', body = '']) => [name, body === 'MessageFact;' ? fieldsOf(messageFact()) : fieldsOf(body)],
  ),
);

function messageFact(): string {
  return /interface MessageFact (\{[\s\S]*?^\})/m.exec(source)?.[1] ?? '';
}

/** Of each line the first one, as types of fields may have fields; of a declaration on one line all of them. */
function fieldsOf(body: string): readonly string[] {
  const each = body.includes('\n') ? /^ {2,4}readonly (\w+\??):/gm : /readonly (\w+\??):/g;
  return [...body.matchAll(each)].map(([, field = '']) => field);
}

const facts = table('Fact').map(([name = '', when = '', fields = '']) => ({
  name,
  when,
  fields: fields === '' ? [] : fields.split(', ').map((field) => field.replace(' (id)', '')),
}));

describe('the facts', () => {
  it('are those of the table', () => {
    expect(facts.map(({ name }) => name).toSorted()).toEqual([...eventNames].toSorted());
    expect([...declared.keys()].toSorted()).toEqual([...eventNames].toSorted());
  });

  it.each(facts)('$name has the fields that the table says', ({ name, fields }) => {
    expect(fields).toEqual(declared.get(name));
  });

  it.each(facts)('$name is an id, or all of the connection, as the table says', ({ name }) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` `)) ?? '';
    const isId = new RegExp(`'${name}': (MessageFact|\\{[^}]*?readonly connection: string)`).test(source);
    expect(row.includes('`connection` (id)')).toBe(isId);
  });

  it('have no field that is not explained, and no other is', () => {
    const used = new Set([...declared.values()].flat().map((field) => field.replace('?', '')));
    expect(table('Field').map(([field]) => field)).toEqual([...used].toSorted());
  });

  it.each(facts)('$name says when it comes', ({ when }) => {
    expect(when).toMatch(/^[a-z].{8,}[^.]$/);
  });
});

describe('the metrics', () => {
  it('are those of the table, with instrument, unit and attributes', () => {
    const documented = table('Metric').map(([name, kind, unit, , attributes = '']) => [name, kind, unit, attributes]);
    const defined = Object.entries(definitions).map(([name, { kind, unit, attributes }]) => [
      name,
      kind,
      unit,
      attributes.join(', '),
    ]);
    expect(documented).toEqual(defined);
  });

  it('have no attribute that is not explained, and no other is', () => {
    const used = new Set(Object.values(definitions).flatMap(({ attributes }) => attributes));
    expect(table('Attribute').map(([attribute]) => attribute)).toEqual([...used].toSorted());
  });
});

describe('the spans', () => {
  it('have the attributes of the table: each is set somewhere, and what is set is there', () => {
    const set = ['requests', 'traces'].flatMap((file) => {
      const code = readFileSync(`${root}src/telemetry/otel/${file}.ts`, 'utf8');
      return [...code.matchAll(/'((?:troupe|http|url|network|client|server|user_agent|error)\.[\w.]+)'/g)].map(
        ([, name = '']) => name,
      );
    });
    expect(table('Attribute of spans').map(([attribute]) => attribute)).toEqual([...new Set(set)].toSorted());
  });
});

describe('the options', () => {
  it('of instrument are those of the table', () => {
    const code = readFileSync(`${root}src/telemetry/otel/instrument.ts`, 'utf8');
    const options = /interface InstrumentOptions \{([\s\S]*?)^\}/m.exec(code)?.[1] ?? '';
    expect(table('Option').map(([option]) => option)).toEqual(
      [...options.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, option]) => option),
    );
  });
});
