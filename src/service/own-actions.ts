/** The actions that we make: they fail with a remedy where a program without types leaves out what they need. */
import { wrongType } from '../arguments.ts';

const needingParams = new WeakSet<object>();

/** @internal The same actions, of which it is known from now on that they need params, but for those that need none. */
export function ownActions<const Actions extends Readonly<Record<string, object>>>(
  needingNone: readonly (keyof Actions)[],
  actions: Actions,
): Actions {
  for (const [name, action] of Object.entries(actions)) {
    if (!needingNone.includes(name)) needingParams.add(action);
  }
  return actions;
}

/** @internal Whether it is one of these. */
export function needsParams(action: unknown): boolean {
  return typeof action === 'function' && needingParams.has(action);
}

/** @internal To be called before anything is taken from `params`. @throws {TroupeTypeError} */
export function checkParams(name: string, params: unknown): void {
  if (typeof params === 'object' && params !== null) return;
  throw wrongType(`params of the action "${name}"`, `an object: { type: '${name}', params: {...} }`, params);
}
