/** One state, as a word in a frame; its colour says the same again. */
export function Badge({ state }: { readonly state: string }) {
  return (
    <span class="badge" data-state={state}>
      {state}
    </span>
  );
}
