/** Which facts are worth a line of a log, and at which level. */
import type { Logger } from 'pino';
import type { ConnectionInfo, Troupe, TroupeEventName, TroupeEvents } from 'troupe';

const levels = {
  'server.listening': 'info',
  'server.draining': 'info',
  'server.closed': 'info',
  'service.attached': 'info',
  'service.draining': 'info',
  'service.detached': 'info',
  'connection.opened': 'info',
  'connection.closed': 'info',
  'connection.replaced': 'info',
  'connection.congested': 'warn',
  'connection.violated': 'warn',
  'upgrade.refused': 'warn',
  'push.dead-lettered': 'warn',
  'connection.crashed': 'error',
  'callback.failed': 'error',
} as const satisfies Partial<Record<TroupeEventName, 'info' | 'warn' | 'error'>>;

/**
 * Writes what happens in `troupe` to `logger`, until the function that is returned is called: one line for each fact,
 * with its name as the message and its fields beside it. Texts of strangers are fields, never part of a message.
 */
export function logTo(logger: Logger, troupe: Troupe): () => void {
  const ends = (Object.keys(levels) as (keyof typeof levels)[]).map((name) =>
    troupe.on(name, (fact) => logger[levels[name]](lineOf(fact), name)),
  );
  return () => {
    for (const end of ends) end();
  };
}

/** The fields of a line. pino knows how to write an error when it is called `err`. */
function lineOf(fact: TroupeEvents[keyof typeof levels]): object {
  const { connection, error, ...fields } = fact as { connection?: string | ConnectionInfo; error?: unknown };
  return { ...fields, ...connectionFields(connection), ...(error !== undefined && { err: error }) };
}

function connectionFields(connection: string | ConnectionInfo | undefined): object {
  if (connection === undefined) return {};
  if (typeof connection === 'string') return { connection };
  const { id, service, path, remoteAddress } = connection;
  return { connection: id, service, path, remoteAddress };
}
