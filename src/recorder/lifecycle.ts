/** The lifecycle of a connection in one word, read off its chart. */

/** `opening`, `ready`, `handling`, `closing.finishing` ...: the innermost state; of `closing` that of the farewell. */
export function lifecycleOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { lifecycle } = (value as { readonly connected: { readonly lifecycle: unknown } }).connected;
  if (typeof lifecycle === 'string') return lifecycle;
  const [[state, inner]] = Object.entries(lifecycle as object) as [[string, unknown]];
  if (state !== 'closing') return inner as string;
  const { farewell } = inner as { readonly farewell: unknown };
  return `closing.${farewell as string}`;
}
