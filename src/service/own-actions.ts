/** The actions that we make: they fail with a remedy where a program without types leaves out what they need. */
import { wrongType } from '../arguments.ts';
import type { Acting } from './bound-connection.ts';

type Action = (acting: Acting, params: never) => void;

const needingParams = new WeakSet<object>();

/** @internal The same actions, which refuse to run without params, but for those that need none. */
export function withParams<const Actions extends Readonly<Record<string, Action>>>(
  needingNone: readonly string[],
  actions: Actions,
): Actions {
  const checked = Object.entries(actions).map(([name, action]): [string, Action] => {
    if (needingNone.includes(name)) return [name, action];
    const run: Action = (acting, params) => {
      checkParams(name, params);
      action(acting, params);
    };
    needingParams.add(run);
    return [name, run];
  });
  return Object.fromEntries(checked) as Actions;
}

/** @internal Whether it is one of these. */
export function needsParams(action: unknown): boolean {
  return typeof action === 'function' && needingParams.has(action);
}

function checkParams(name: string, params: unknown): void {
  if (typeof params === 'object' && params !== null) return;
  throw wrongType(`params of the action "${name}"`, `an object: { type: '${name}', params: {...} }`, params);
}
