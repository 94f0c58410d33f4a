/** Reads state values as XState writes them: a name, or an object from names to what is active inside. */

/** "opening" and "ready" are inside of "open"; nothing inside the other states is shown. */
export function lifecycleOf({ change, value, state }) {
  // The line that tells of an opening has no value yet: it comes before anything else has happened.
  if (change === 'opened') return 'opening';
  const inside = value?.connected?.lifecycle?.open;
  return state === 'open' && typeof inside === 'string' ? inside : state;
}

/** All names from the outside in: "present", "chatting", "quiet". */
export function namesIn(value) {
  if (typeof value === 'string') return [value];
  return Object.entries(value ?? {}).flatMap(([name, inside]) => [name, ...namesIn(inside)]);
}

/** A machine's state as people say it: "chatting", since "present" only holds it. */
export function machineOf({ machine }) {
  const [outer, inner] = namesIn(machine);
  return inner ?? outer;
}
