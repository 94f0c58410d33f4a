/** Who sent what to whom lately → lifelines and arrows of a sequence diagram. */
import type { Step } from './watched.ts';
import { timeOf } from './value.ts';

export interface Lifeline {
  /** A sessionId, or '' for all that is no actor: sockets, timers, the embedding program. */
  readonly id: string;
  readonly name: string;
}

export interface Message {
  readonly sequence: number;
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly time: string;
}

export interface SequenceDiagram {
  readonly lifelines: readonly Lifeline[];
  readonly messages: readonly Message[];
}

export const mostMessages = 60;
const mostLifelines = 12;

/** Of the latest messages among `steps`; `nameOf` knows how an actor is called. */
export function sequenceDiagram(
  steps: readonly Step[],
  nameOf: (sessionId: string) => string | undefined,
): SequenceDiagram {
  const lifelines: Lifeline[] = [];
  const place = (id: string): number => {
    const found = lifelines.findIndex((lifeline) => lifeline.id === id);
    if (found >= 0) return found;
    // Senders beyond what fits are drawn as the outside, the first lifeline.
    if (lifelines.length >= mostLifelines) return 0;
    return lifelines.push({ id, name: id === '' ? 'outside' : (nameOf(id) ?? id) }) - 1;
  };
  place('');
  const messages = steps
    .filter(({ isSent }) => isSent)
    .slice(-mostMessages)
    .map(({ sequence, source = '', sessionId, event, at }) => ({
      sequence,
      from: place(source),
      to: place(sessionId),
      text: event.type,
      time: timeOf(at),
    }));
  return { lifelines, messages };
}
