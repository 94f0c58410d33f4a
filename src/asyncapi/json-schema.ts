/**
 * JSON Schema of Standard Schemas, by the libraries' own converters: the extension Standard JSON Schema, which zod and
 * ArkType have, and `@valibot/to-json-schema` for valibot, when it is installed.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { TroupeError } from '../errors.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Which side of a schema: what goes in, or what comes out. */
export type Side = 'input' | 'output';

/** What AsyncAPI 3.0 builds its own schema format on. */
const TARGET = 'draft-07';

/** @throws {TroupeError} `TROUPE_SCHEMA_UNCONVERTIBLE`, which names `message` */
export async function jsonSchemaOf(message: string, schema: StandardSchemaV1, side: Side): Promise<JsonSchema> {
  const { vendor } = schema['~standard'];
  try {
    const converter = converterOf(schema) ?? (await ownConverterOf(vendor, schema));
    if (converter === undefined) throw new Error('its library has no converter that is known here');
    const { $schema: _dialect, ...converted } = converter[side]({ target: TARGET });
    return converted;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause);
    throw new TroupeError('TROUPE_SCHEMA_UNCONVERTIBLE', { message, vendor, reason }, { cause });
  }
}

function converterOf(schema: StandardSchemaV1): StandardJSONSchemaV1.Converter | undefined {
  return (schema['~standard'] as Partial<StandardJSONSchemaV1.Props>).jsonSchema;
}

/** Of valibot, whose converter is a package of its own and no dependency of ours. */
async function ownConverterOf(
  vendor: string,
  schema: StandardSchemaV1,
): Promise<StandardJSONSchemaV1.Converter | undefined> {
  if (vendor !== 'valibot') return undefined;
  const { toStandardJsonSchema } = await import('@valibot/to-json-schema');
  return toStandardJsonSchema(schema as Parameters<typeof toStandardJsonSchema>[0])['~standard'].jsonSchema;
}

/** The schema with each of its references, which lead to itself, leading to the place where it stands. */
export function movedTo(place: string, schema: JsonSchema): JsonSchema {
  return move(schema) as JsonSchema;

  function move(part: unknown): unknown {
    if (Array.isArray(part)) return part.map(move);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, value]: [string, unknown]) => [
        key,
        key === '$ref' && typeof value === 'string' && value.startsWith('#') ? place + value.slice(1) : move(value),
      ]),
    );
  }
}

/** Whether a schema refers to itself. */
export function refersToItself(schema: JsonSchema): boolean {
  return JSON.stringify(schema).includes('"$ref":"#');
}

/** The schema of an object with `fields` beside those of `schema`, in each of its alternatives. */
export function withFields(schema: JsonSchema, fields: JsonSchema, required: readonly string[]): JsonSchema {
  for (const union of ['anyOf', 'oneOf'] as const) {
    const alternatives = schema[union];
    if (!Array.isArray(alternatives)) continue;
    return { ...schema, [union]: alternatives.map((one) => withFields(one as JsonSchema, fields, required)) };
  }
  if ('$ref' in schema || 'allOf' in schema) {
    return { allOf: [schema, { type: 'object', properties: fields, required }] };
  }
  const own = Array.isArray(schema['required']) ? (schema['required'] as string[]) : [];
  return {
    ...schema,
    type: 'object',
    properties: { ...fields, ...(schema['properties'] as JsonSchema | undefined) },
    required: [...new Set([...required, ...own])],
  };
}
