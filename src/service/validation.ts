/**
 * Validates what a stranger sent against a Standard Schema, and says in words what was wrong.
 *
 * Libraries quote in their messages what they were given. What is said here goes back to the stranger, or to whoever
 * was made to open the address, and into logs: nothing that was given stands in it, and nothing that a page or a
 * terminal would take for more than text.
 *
 * Source: https://standardschema.dev
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { validateOnce } from './validate-once.ts';

/** What was validated: the output of the schema, or what is wrong in words. */
export type Validated = { readonly value: unknown } | { readonly problem: string };

/** Strings by name, as a path or a query holds them. */
export type Given = Readonly<Record<string, string | readonly string[]>>;

const MAX_PROBLEMS = 5;
const MAX_CHARACTERS = 200;
/** Shorter values stand in every message by chance, and do no harm in it. */
const NOTEWORTHY = 4;

/** Validates `given`, which is called `what`. @throws what the schema itself throws */
export async function validate(what: string, schema: StandardSchemaV1, given: Given): Promise<Validated> {
  const result = await validateOnce(schema, given);
  if (result.issues === undefined) return { value: result.value };
  const secrets = secretsOf(given);
  const said = result.issues.slice(0, MAX_PROBLEMS).map((issue) => problemOf(what, issue, secrets));
  const more = result.issues.length - said.length;
  return { problem: [...new Set(said), ...(more > 0 ? [`and ${more} more`] : [])].join('; ') };
}

/** The query as strings by name; a name that stands there more than once has an array. */
export function queryOf(query: URLSearchParams): Given {
  // Without a prototype: `__proto__` is a name like any other.
  const given = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of query) {
    const known = given[name];
    if (known === undefined) given[name] = value;
    else if (typeof known === 'string') given[name] = [known, value];
    else known.push(value);
  }
  return given;
}

/** What was given, and how a message may show it; the longest first, as one may hold another. */
function secretsOf(given: Given): readonly string[] {
  const texts = Object.entries(given).flatMap(([name, value]) => [name, ...[value].flat()]);
  const shown = texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]);
  return [...new Set(shown)]
    .filter(({ length }) => length >= NOTEWORTHY)
    .toSorted((one, other) => other.length - one.length);
}

function problemOf(what: string, { message, path }: StandardSchemaV1.Issue, secrets: readonly string[]): string {
  const [first] = path ?? [];
  const key = typeof first === 'object' ? first.key : first;
  const where = key === undefined ? what : `${what} "${harmless(String(key), 40)}"`;
  let said = message;
  // The name of a parameter that is spoken of may be spoken out.
  for (const secret of secrets) if (secret !== key) said = said.replaceAll(secret, '…');
  return `${where}: ${harmless(said, MAX_CHARACTERS)}`;
}

/** Letters, digits and the punctuation of sentences; on one line. */
function harmless(text: string, most: number): string {
  const plain = text
    .slice(0, most * 2)
    .replaceAll(/[^\p{L}\p{N} .,:;()[\]{}'"|+*/=_!?…-]+/gu, ' ')
    .trim();
  return plain.length > most ? `${plain.slice(0, most)}…` : plain;
}
