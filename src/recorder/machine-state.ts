/** The snapshot of a machine as it is recorded: in XState's own form, from which a machine can go on. */
import type { AnyMachineSnapshot } from 'xstate';
import type { Parts } from './parts.ts';
import type { Json } from './values.ts';

interface Persisted {
  readonly context: unknown;
  readonly children?: Readonly<Record<string, { readonly snapshot: unknown }>>;
  readonly output?: unknown;
  readonly [key: string]: unknown;
}

export function encodeSnapshot(snapshot: AnyMachineSnapshot, parts: Parts): Json {
  const { context, children = {}, ...rest } = persist(snapshot, parts);
  const defined = Object.entries(rest).filter(([, value]) => value !== undefined);
  const actors = Object.entries(children).map(([id, { snapshot: its, ...about }]): [string, Json] => [
    id,
    { ...(parts.plain(withoutNothing(about)) as object), snapshot: parts.of(its, 'context', id) },
  ]);
  return {
    ...(parts.plain(Object.fromEntries(defined)) as object),
    context: parts.of(context, 'context'),
    children: Object.fromEntries(actors),
  };
}

function persist(snapshot: AnyMachineSnapshot, parts: Parts): Persisted {
  const { machine, status } = snapshot;
  try {
    return machine.getPersistedSnapshot(snapshot) as unknown as Persisted;
  } catch {
    // An actor that was started without a name, or a context that leads back to itself: XState cannot write it down.
    parts.lacks('opaque');
    return { status, value: snapshot.value as unknown, context: snapshot.context as unknown };
  }
}

function withoutNothing(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
