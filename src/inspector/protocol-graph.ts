/** Charts as the inspector tells of them: a part of `protocol.ts`. */

/** The chart of a machine. */
export interface Graph {
  /** The machine's id. */
  readonly id: string;
  readonly root: GraphState;
  /** States or transitions were left out: there were more than 500 states or 2 000 transitions. */
  readonly isTruncated: boolean;
}

export interface GraphState {
  /** Unique in its graph: `chat.open.idle`. */
  readonly id: string;
  /** Its name within its parent: `idle`. */
  readonly key: string;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly description?: string;
  readonly tags: readonly string[];
  /** The ids of the states in which it begins, with the actions of that; only of a compound state. */
  readonly initial?: { readonly targets: readonly string[]; readonly actions: readonly string[] };
  /** Only of a history state. */
  readonly history?: 'shallow' | 'deep';
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invoke: readonly { readonly id: string; readonly src: string }[];
  readonly transitions: readonly GraphTransition[];
  readonly states: readonly GraphState[];
}

export interface GraphTransition {
  /** Unique in its graph; {@link TakenEdge.transition} names it. */
  readonly id: string;
  /** The id of its state. */
  readonly source: string;
  /** The ids of the states it leads to; none: the states stay as they are. */
  readonly targets: readonly string[];
  /** `default` leads from a history state to where it leads before there is any history. */
  readonly kind: 'event' | 'always' | 'after' | 'done' | 'error' | 'default';
  /** The event as the machine says it; `''` for `always` and `default`. */
  readonly event: string;
  /** What to write on it: `ws.text`, `after 1000`, `always`, `done`, `done(fetchUser)`. Guard and actions are not in it. */
  readonly label: string;
  /** The delay of an `after`, in ms, or the name of it. */
  readonly delay?: string;
  readonly guard?: string;
  readonly actions: readonly string[];
  /** Leaves its state and enters it again. */
  readonly reenter: boolean;
  readonly description?: string;
}
