/** Which steps the event log shows. */
import type { Step } from './watched.ts';
import { textOfValue } from './value.ts';

export interface LogFilter {
  /** Words that must all be found in the event's type, its content or the state afterwards. */
  readonly text: string;
  /** Only of that actor. */
  readonly sessionId: string | undefined;
  /** Only steps that led to other states. */
  readonly onlyChanges: boolean;
}

/** What a step is called. */
export function titleOfStep({ isFound, event }: Step): string {
  return isFound ? 'a gap, then told again' : event.type;
}

export const everything: LogFilter = { text: '', sessionId: undefined, onlyChanges: false };

/** The newest first: in the order in which they are stepped through, what is not dealt with yet by when it was sent. */
export function logOf(steps: readonly Step[], filter: LogFilter, pausedAt: number | undefined): readonly Step[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return steps
    .filter((step) => {
      if (pausedAt !== undefined && step.began > pausedAt) return false;
      if (filter.sessionId !== undefined && step.sessionId !== filter.sessionId) return false;
      // What has changed in a gap nobody knows.
      if (filter.onlyChanges && !step.isFound && !step.edges.some(({ targets }) => targets.length > 0)) return false;
      if (words.length === 0) return true;
      const text = `${JSON.stringify(step.event)} ${textOfValue(step.snapshot?.value)}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .toSorted((one, other) => (other.taken ?? other.began) - (one.taken ?? one.began));
}
