/** Holds the one state. What happens is dispatched; whoever must react is told of the state before and after. */
import type { Action, State } from './state/model.ts';
import { reduce } from './state/reduce.ts';

export type Reaction = (after: State, before: State, action: Action) => void;

export class Store {
  #state: State;
  readonly #reactions = new Set<Reaction>();

  constructor(state: State) {
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  dispatch(action: Action): void {
    const before = this.#state;
    const after = reduce(before, action);
    if (after === before) return;
    this.#state = after;
    for (const react of this.#reactions) react(after, before, action);
  }

  subscribe(reaction: Reaction): () => void {
    this.#reactions.add(reaction);
    return () => this.#reactions.delete(reaction);
  }
}
