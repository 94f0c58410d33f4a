/** Tells the runtime's own actors from those of user code, which are isolated. */

const own = new WeakSet<object>();

/** Marks `logic` as the runtime's own. */
export function ownLogic<Logic extends object>(logic: Logic): Logic {
  own.add(logic);
  return logic;
}

export function isOwnLogic(logic: unknown): boolean {
  return typeof logic === 'object' && logic !== null && own.has(logic);
}
