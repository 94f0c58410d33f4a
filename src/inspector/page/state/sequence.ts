/** Who sent what to whom lately → lifelines and arrows of a sequence diagram. */
import { outside, remoteSide, senderOf, type ConnectionActor } from './sender.ts';
import type { Step } from './watched.ts';
import { timeOf } from './value.ts';

export interface Lifeline {
  /** A sessionId, or what stands for senders that are no actors. */
  readonly id: string;
  readonly name: string;
}

export interface Message {
  /** When it was sent. */
  readonly moment: number;
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

/** Of the latest messages among `steps`; `nameOf` knows how an actor is called, `actors` are those of a connection. */
export function sequenceDiagram(
  steps: readonly Step[],
  nameOf: (sessionId: string) => string | undefined,
  actors: readonly ConnectionActor[] = [],
): SequenceDiagram {
  const sent = steps
    .filter(({ isSent }) => isSent)
    .slice(-mostMessages)
    .map((step) => ({ step, from: senderOf(step, actors), to: step.sessionId }));
  const ids = placed(sent.flatMap(({ from, to }) => [from, to]));
  const place = (id: string): number => {
    const found = ids.indexOf(id);
    return found >= 0 ? found : ids.indexOf(outside);
  };
  return {
    lifelines: ids.map((id) => ({ id, name: names[id] ?? nameOf(id) ?? id })),
    messages: sent.map(({ step: { began, event, at }, from, to }) => ({
      moment: began,
      from: place(from),
      to: place(to),
      text: event.type,
      time: timeOf(at),
    })),
  };
}

const names: Readonly<Record<string, string>> = { [outside]: 'outside', [remoteSide]: 'remote side' };

/** What is no actor is at the left. Senders beyond what fits are drawn as the outside. */
function placed(ids: readonly string[]): readonly string[] {
  const all = Array.from(new Set(ids));
  const actors = all.filter((id) => id !== outside && id !== remoteSide);
  const others = [outside, remoteSide].filter(
    (id) => all.includes(id) || (id === outside && all.length > mostLifelines),
  );
  return [...others, ...actors].slice(0, mostLifelines);
}
