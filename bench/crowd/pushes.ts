/** Pushes in turn: what the server makes and the clients expect. */
import type { Crowd } from './crowd.ts';
import { groupOf, nameOf, textOf } from './texts.ts';

/** Pushes in turn to names, or to groups, that are spread over the whole crowd. */
export interface PushOrder {
  readonly to: 'names' | 'groups';
  readonly targets: readonly number[];
  readonly count: number;
}

/** So many pushes are made in one turn of the event loop, at most. */
const AT_ONCE = 100;

/** Makes the pushes; those of one turn all go to different targets, so that each is a write of its own. */
export async function pushAll(crowd: Crowd, { to, targets, count }: PushOrder): Promise<void> {
  const atOnce = Math.min(AT_ONCE, targets.length);
  for (let number = 0; number < count; number++) {
    const target = targets[number % targets.length]!;
    if (to === 'names') crowd.push(nameOf(target), textOf('push', number));
    else crowd.pushToGroup(groupOf(target), textOf('group', number));
    if (number % atOnce === atOnce - 1) await new Promise(setImmediate);
  }
}
