/**
 * What one watched actor did: its latest steps, each an event with the edges
 * taken and the snapshot afterwards.
 *
 * The server tells of an event when it is sent and of the snapshot when it has
 * been dealt with; others may be sent in between, and frames may be left out.
 * The number that the server gives a step says what belongs together.
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
  /** The server's number for it; those of another actor are others. */
  readonly number: number;
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

export function newWatched({ sessionId, name, parentId, snapshot }: ActorFrame): Watched {
  const steps = emptyRing<Step>();
  const before = snapshot;
  return { sessionId, name, parentId, snapshot, before, active: undefined, steps, flashes: [], hasEnded: false };
}

/** The actor is told of again: after a link was lost, say. Its steps stay. */
export function watchedAgain(watched: Watched, { name, parentId, snapshot }: ActorFrame): Watched {
  return { ...watched, name, parentId, snapshot, active: undefined };
}

export function withEvent(watched: Watched, heard: Heard<EventFrame>): Watched {
  const step = { ...newStep(heard, Number(heard.frame.createdAt)), source: heard.frame.sourceId, isSent: true };
  return { ...watched, steps: pushed(watched.steps, step, stepBounds) };
}

export function withMicrostep(watched: Watched, heard: Heard<MicrostepFrame>): Watched {
  const { edges, active, at } = heard.frame;
  const flashes = edges.map((edge) => ({ sequence: heard.sequence, edge }));
  return {
    ...extended(watched, heard, at, (step) => ({ edges: [...step.edges, ...edges], active })),
    active,
    flashes: [...watched.flashes, ...flashes].slice(-mostFlashes),
  };
}

export function withSnapshot(watched: Watched, heard: Heard<SnapshotFrame>): Watched {
  const { snapshot, createdAt } = heard.frame;
  return {
    ...extended(watched, heard, Number(createdAt), (step) => ({ snapshot, active: step.active ?? watched.active })),
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

/** The step that `frame` belongs to, changed; a new one, if the event was not seen being sent. */
function extended(
  watched: Watched,
  heard: Heard<MicrostepFrame | SnapshotFrame>,
  at: number,
  change: (step: Step) => Partial<Step>,
): Watched {
  const { steps } = watched;
  const index = steps.items.findLastIndex(({ number }) => number === heard.frame.step);
  const known = steps.items[index];
  const step = known === undefined ? newStep(heard, at) : { ...known, size: known.size + heard.size };
  const after = { ...step, ...change(step) };
  return {
    ...watched,
    steps: known === undefined ? pushed(steps, after, stepBounds) : replaced(steps, index, after, stepBounds),
  };
}

function newStep({ frame, size, sequence }: Heard<EventFrame | MicrostepFrame | SnapshotFrame>, at: number): Step {
  const { sessionId, event, step: number } = frame;
  const nothing = { source: undefined, isSent: false, edges: [], active: undefined, snapshot: undefined };
  return { sequence, sessionId, number, at, event, size, ...nothing };
}
