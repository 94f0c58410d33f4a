/**
 * Validates by a Standard Schema, and by zod once.
 *
 * Zod finds out that a schema is asynchronous by running it, drops that run and begins another one. A rejection of the
 * first one reaches nobody, so it would end the process, and a stranger may be who makes a `refine` reject. Asked for an
 * asynchronous result from the beginning, it runs the schema once.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';

type Result = StandardSchemaV1.Result<unknown>;

/** What is used of zod's schemas, of version 3 and 4. */
interface ZodSchema extends StandardSchemaV1 {
  safeParseAsync(value: unknown): Promise<ZodResult>;
}
type ZodResult =
  | { readonly success: true; readonly data: unknown }
  | { readonly success: false; readonly error: { readonly issues: readonly StandardSchemaV1.Issue[] } };

/** @throws what the schema throws */
export function validateOnce(schema: StandardSchemaV1, value: unknown): Result | PromiseLike<Result> {
  return isZod(schema) ? schema.safeParseAsync(value).then(resultOf) : schema['~standard'].validate(value);
}

function isZod(schema: StandardSchemaV1): schema is ZodSchema {
  return schema['~standard'].vendor === 'zod' && typeof (schema as Partial<ZodSchema>).safeParseAsync === 'function';
}

function resultOf(result: ZodResult): Result {
  return result.success ? { value: result.data } : { issues: result.error.issues };
}
