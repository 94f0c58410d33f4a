/**
 * What one watched actor did: its latest steps, each an event with the edges
 * taken and the snapshot afterwards.
 *
 * The server tells of an event when it is sent and of the snapshot when it has
 * been dealt with; others may be sent in between. So an event waits, as an open
 * step, for the snapshot that names the same type.
 */
import type {
  ActorFrame,
  DescribedEvent,
  DescribedSnapshot,
  EventFrame,
  MicrostepFrame,
  SnapshotFrame,
  TakenEdge,
} from '../../protocol.ts';
import { emptyRing, pushed, replaced, type Ring } from './ring.ts';

export interface Step {
  /** Grows over all actors: which was first. */
  readonly sequence: number;
  readonly sessionId: string;
  readonly at: number;
  readonly event: DescribedEvent;
  /** The sender, unless the event came from outside of the actors. */
  readonly source: string | undefined;
  /** Whether it was seen being sent; what an actor does by itself is not. */
  readonly isSent: boolean;
  readonly edges: readonly TakenEdge[];
  readonly active: readonly string[] | undefined;
  readonly snapshot: DescribedSnapshot | undefined;
  /** How many characters the frames of it had. */
  readonly size: number;
}

export interface Watched {
  readonly sessionId: string;
  readonly name: string;
  readonly parentId: string | undefined;
  readonly snapshot: DescribedSnapshot | undefined;
  /** How it was before the oldest step. */
  readonly before: DescribedSnapshot | undefined;
  /** The ids of its active states, if the server told them. */
  readonly active: readonly string[] | undefined;
  readonly steps: Ring<Step>;
  /** Edges taken lately, to be flashed. */
  readonly flashes: readonly Flash[];
  readonly hasEnded: boolean;
}

export interface Flash {
  readonly sequence: number;
  readonly edge: TakenEdge;
}

/** A frame about an actor, its length in characters, and its number among all frames. */
export interface Heard<Frame> {
  readonly frame: Frame;
  readonly size: number;
  readonly sequence: number;
}

export const stepBounds = { count: 500, size: 8 * 1024 * 1024, sizeOf: ({ size }: Step) => size };
const mostFlashes = 16;
/** How many open steps are looked through for the one that a snapshot ends. */
const furthest = 64;

export function newWatched({ sessionId, name, parentId, snapshot }: ActorFrame): Watched {
  const steps = emptyRing<Step>();
  const before = snapshot;
  return { sessionId, name, parentId, snapshot, before, active: undefined, steps, flashes: [], hasEnded: false };
}

/** The actor is told of again: after a link was lost, say. Its steps stay. */
export function watchedAgain(watched: Watched, { name, parentId, snapshot }: ActorFrame): Watched {
  return { ...watched, name, parentId, snapshot, active: undefined };
}

export function withEvent(watched: Watched, { frame, size, sequence }: Heard<EventFrame>): Watched {
  const step = { ...newStep(watched, sequence, frame.event, Number(frame.createdAt), size), source: frame.sourceId };
  return { ...watched, steps: pushed(watched.steps, { ...step, isSent: true }, stepBounds) };
}

export function withMicrostep(watched: Watched, { frame, size, sequence }: Heard<MicrostepFrame>): Watched {
  const { event, edges, active } = frame;
  const flashes = edges.map((edge) => ({ sequence, edge }));
  return {
    ...extended(watched, sequence, event, frame.at, (step) => ({
      edges: [...step.edges, ...edges],
      active,
      size: step.size + size,
    })),
    active,
    flashes: [...watched.flashes, ...flashes].slice(-mostFlashes),
  };
}

export function withSnapshot(watched: Watched, { frame, size, sequence }: Heard<SnapshotFrame>): Watched {
  const { event, snapshot } = frame;
  return {
    ...extended(watched, sequence, event, Number(frame.createdAt), (step) => ({
      snapshot,
      active: step.active ?? watched.active,
      size: step.size + size,
    })),
    snapshot,
  };
}

/** What `steps` knew of the actor at the moment `sequence`: the latest step that was over by then. */
export function stepAt(watched: Watched, sequence: number): Step | undefined {
  return watched.steps.items.findLast((step) => step.sequence <= sequence && step.snapshot !== undefined);
}

/** How the actor was at the moment `sequence`, as far as that is known. */
export function snapshotAt(watched: Watched, sequence: number): DescribedSnapshot | undefined {
  return stepAt(watched, sequence)?.snapshot ?? (watched.steps.dropped === 0 ? watched.before : undefined);
}

function extended(
  watched: Watched,
  sequence: number,
  event: DescribedEvent,
  at: number,
  change: (step: Step) => Partial<Step>,
): Watched {
  const index = openStep(watched.steps.items, event.type);
  const open = watched.steps.items[index];
  if (open !== undefined) {
    return { ...watched, steps: replaced(watched.steps, index, { ...open, ...change(open) }, stepBounds) };
  }
  const step = newStep(watched, sequence, event, at, 0);
  return { ...watched, steps: pushed(watched.steps, { ...step, ...change(step) }, stepBounds) };
}

/** The oldest step that waits for a snapshot of such an event. */
function openStep(steps: readonly Step[], type: string): number {
  let found = -1;
  for (let index = steps.length - 1; index >= Math.max(0, steps.length - furthest); index -= 1) {
    const step = steps[index];
    if (step?.snapshot === undefined && step?.event.type === type) found = index;
  }
  return found;
}

function newStep(watched: Watched, sequence: number, event: DescribedEvent, at: number, size: number): Step {
  const { sessionId } = watched;
  const nothing = { source: undefined, isSent: false, edges: [], active: undefined, snapshot: undefined };
  return { sequence, sessionId, at, event, size, ...nothing };
}
