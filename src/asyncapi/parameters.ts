/** What a handshake has to bring: the parameters of a path, and of a query. */
import type { JsonSchema } from './json-schema.ts';

/** The parameters of a path, with what a schema says of them: AsyncAPI has texts for that, and no schema. */
export function describeParameters(names: readonly string[], schema: JsonSchema = {}): Record<string, JsonSchema> {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.fromEntries(names.map((name) => [name, describeParameter(properties[name] ?? {})]));
}

function describeParameter(property: JsonSchema): JsonSchema {
  const { description, const: only, enum: all = only === undefined ? undefined : [only], default: usual } = property;
  const { examples } = property;
  return {
    ...(typeof description === 'string' && { description }),
    ...(Array.isArray(all) && { enum: all.map(String) }),
    ...(isPlain(usual) && { default: String(usual) }),
    ...(Array.isArray(examples) && { examples: examples.map(String) }),
  };
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The query as the binding of WebSocket takes it, which asks for an object that names its properties. */
export function describeQuery(schema: JsonSchema): { readonly query: JsonSchema } | undefined {
  return schema['type'] === 'object' && 'properties' in schema ? { query: schema } : undefined;
}
