/** The AsyncAPI document of services, for programs: the command line writes the same one to a file. */
import { definitionOf, type ServiceClass } from '../service/annotations.ts';
import { isServiceDefinition, type ServiceDefinition } from '../service/definition.ts';
import { wrongType } from '../arguments.ts';
import { describeServices, type AsyncApiDocument, type AsyncApiInfo } from './document.ts';

/**
 * Describes services as an AsyncAPI 3.0 document, from the messages that they declare and the parameters that they
 * check.
 *
 * The JSON Schemas are made by the schemas' own libraries. What JSON Schema cannot say is lost (a refinement, for
 * example) or refused, as each library decides; of a schema that transforms, what is on the wire is described. Which
 * messages a machine accepts in which state, and codes of errors beside the usual ones, are only hinted at.
 *
 * @throws {TroupeError} `TROUPE_SCHEMA_UNCONVERTIBLE`, `TROUPE_SERVICE_NOT_DEFINED`
 *
 * @example
 * ```ts
 * import { z } from 'zod';
 * import { asyncApiOf, defineMessages, defineService } from 'troupe';
 *
 * const messages = defineMessages({ incoming: { say: z.object({ text: z.string() }) } });
 * const chat = defineService({ basePath: '/chat', messages, onMessage: () => undefined });
 *
 * const document = await asyncApiOf([chat], { title: 'Chat', version: '1.0.0' });
 * process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
 * ```
 *
 * Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export async function asyncApiOf(
  services: readonly (ServiceDefinition | ServiceClass)[],
  info: AsyncApiInfo,
): Promise<AsyncApiDocument> {
  if (!Array.isArray(services)) throw wrongType('services', 'an array of services', services);
  for (const key of ['title', 'version'] as const) {
    if (typeof info[key] !== 'string') throw wrongType(`info.${key}`, 'a text', info[key]);
  }
  const sources: readonly (ServiceDefinition | ServiceClass)[] = services;
  return describeServices(
    sources.map((source) => (isServiceDefinition(source) ? source : definitionOf(source))),
    info,
  );
}

/** Whether `value` can be registered as a service: made by `defineService`, or an annotated class that is complete. */
export function isService(value: unknown): value is ServiceDefinition | ServiceClass {
  if (isServiceDefinition(value)) return true;
  try {
    return definitionOf(value) !== undefined;
  } catch {
    return false;
  }
}
