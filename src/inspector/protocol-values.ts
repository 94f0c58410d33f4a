/** Values of users as the inspector tells of them: a part of `protocol.ts`. */

/** Anything that JSON can hold, after it was bounded and redacted by the server. */
export type Described = string | number | boolean | null | readonly Described[] | { readonly [key: string]: Described };

/** An event, bounded and redacted: `text` and `data` of messages read `[redacted 12 characters]` unless asked for. */
export type DescribedEvent = { readonly type: string } & { readonly [key: string]: Described };

/**
 * A snapshot, bounded and redacted.
 *
 * `value` is XState's state value (`'open'`, or `{ activity: 'open', outbound: 'flowing' }`), absent for actors that
 * run no chart. `children` are the sessionIds of its children by their id.
 */
export interface DescribedSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly value?: Described;
  readonly tags?: readonly string[];
  readonly context?: Described;
  readonly children?: Readonly<Record<string, string>>;
  readonly output?: Described;
  readonly error?: Described;
}
