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
import { emptyRing, pushed, replaced, withoutLast, type Ring } from './ring.ts';

export interface Step {
  /** Grows over all actors: which was first. */
  readonly sequence: number;
  readonly sessionId: string;
  /** The server's number for it among those of the actor. */
  readonly number: number | undefined;
  readonly at: number;
  readonly event: DescribedEvent;
  /** The sender, unless the event came from outside of the actors. */
  readonly source: string | undefined;
  /** Whether it was seen being sent; what an actor does by itself is not. */
  readonly isSent: boolean;
  /** No step that was seen, but how the actor was found again after a {@link Gap}. */
  readonly isFound: boolean;
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
  /** The number of the frame that first told of it. */
  readonly since: number;
  /** When not everything was told. */
  readonly gaps: readonly Gap[];
  /** The ids of the states that are active in `snapshot`, if the server told them. */
  readonly active: readonly string[] | undefined;
  readonly steps: Ring<Step>;
  /** Edges taken lately, to be flashed. */
  readonly flashes: readonly Flash[];
  /** The number of the frame that told of its end. */
  readonly endedAt: number | undefined;
}

/** Between two frames, by their numbers, it is not known how the actor was, but where a step says so. */
export interface Gap {
  readonly from: number;
  /** Undefined: it lasts. */
  readonly to: number | undefined;
}

/** How an actor was at a moment. */
export type Known = Pick<Watched, 'snapshot' | 'active'>;

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

export function newWatched({ frame, sequence }: Heard<ActorFrame>): Watched {
  const { sessionId, name, parentId, snapshot } = frame;
  const known = { sessionId, name, parentId, snapshot, before: snapshot, since: sequence, active: undefined };
  return { ...known, gaps: [], steps: emptyRing(), flashes: [], endedAt: undefined };
}

/** The actor is told of again. Its steps stay; after a gap this is one more, without an event. */
export function watchedAgain(watched: Watched, heard: Heard<ActorFrame>): Watched {
  const { name, parentId, snapshot, createdAt } = heard.frame;
  const found = { ...watched, name, parentId, snapshot, active: undefined };
  const last = watched.steps.items.at(-1);
  if (!isInGap(watched) && last?.isFound !== true) return last === undefined ? { ...found, before: snapshot } : found;
  const step = { ...newStep(heard, undefined, { type: '' }, Number(createdAt)), snapshot, isFound: true };
  const steps = last?.isFound === true ? withoutLast(watched.steps) : watched.steps;
  const gaps = watched.gaps.map((gap, index, { length }) =>
    index === length - 1 ? { ...gap, to: heard.sequence } : gap,
  );
  return { ...found, gaps, steps: pushed(steps, step, stepBounds) };
}

/** From the frame number `sequence` on not everything is told. */
export function withGap(watched: Watched, sequence: number): Watched {
  if (isInGap(watched)) return watched;
  const oldest = watched.steps.items[0]?.sequence ?? sequence;
  const gaps = watched.gaps.filter(({ to = oldest }) => to >= oldest);
  // Which edge was taken last is not known any more either.
  return { ...watched, active: undefined, flashes: [], gaps: [...gaps, { from: sequence, to: undefined }] };
}

/** The actor has come to its end, as the frame number `sequence` says. */
export function ended(watched: Watched, sequence: number): Watched {
  return { ...watched, endedAt: watched.endedAt ?? sequence };
}

/** Whether it had come to its end at the moment `sequence`; now, without one. */
export function hasEnded({ endedAt }: Watched, sequence: number | undefined): boolean {
  return endedAt !== undefined && endedAt <= (sequence ?? Infinity);
}

function isInGap({ gaps }: Watched): boolean {
  const last = gaps.at(-1);
  return last !== undefined && last.to === undefined;
}

export function withEvent(watched: Watched, heard: Heard<EventFrame>): Watched {
  const { createdAt, step: number, event, sourceId: source } = heard.frame;
  const step = { ...newStep(heard, number, event, Number(createdAt)), source, isSent: true };
  return { ...watched, steps: pushed(watched.steps, step, stepBounds) };
}

export function withMicrostep(watched: Watched, heard: Heard<MicrostepFrame>): Watched {
  const { edges, active, at } = heard.frame;
  const flashes = edges.map((edge) => ({ sequence: heard.sequence, edge }));
  return {
    ...extended(watched, heard, at, (step) => ({ edges: [...step.edges, ...edges], active })),
    flashes: [...watched.flashes, ...flashes].slice(-mostFlashes),
  };
}

export function withSnapshot(watched: Watched, heard: Heard<SnapshotFrame>): Watched {
  const { snapshot, createdAt, step: number } = heard.frame;
  // In a gap the edges may be missing, or the last of them: what they led to need not be what is active now.
  const active = isInGap(watched) ? undefined : (stepOf(watched, number)?.active ?? watched.active);
  return { ...extended(watched, heard, Number(createdAt), () => ({ snapshot, active })), snapshot, active };
}

/** How the actor was at the moment `sequence`, how it is now without one; undefined if that is not known. */
export function knownAt(watched: Watched, sequence: number | undefined): Known | undefined {
  const { steps, gaps, since, before } = watched;
  // What ends in a gap is not told of again.
  if (sequence === undefined) return hasEnded(watched, sequence) && isInGap(watched) ? undefined : watched;
  const step = steps.items.findLast((step) => step.sequence <= sequence && step.snapshot !== undefined);
  if (step?.sequence === sequence) return step;
  if (gaps.some(({ from, to = Infinity }) => from < sequence && sequence < to)) return undefined;
  if (step !== undefined) return step;
  return steps.dropped === 0 && since <= sequence ? { snapshot: before, active: undefined } : undefined;
}

/** The edges that were taken at the moment `sequence`, if it is one of this actor. */
export function edgesAt({ steps }: Watched, sequence: number): readonly TakenEdge[] {
  return steps.items.find((step) => step.sequence === sequence)?.edges ?? [];
}

/** The step that the frame belongs to, changed; a new one, if the event was not seen being sent. */
function extended(
  watched: Watched,
  heard: Heard<MicrostepFrame | SnapshotFrame>,
  at: number,
  change: (step: Step) => Partial<Step>,
): Watched {
  const { step: number, event } = heard.frame;
  const { steps } = watched;
  const known = stepOf(watched, number);
  const step = known === undefined ? newStep(heard, number, event, at) : { ...known, size: known.size + heard.size };
  const after = { ...step, ...change(step) };
  if (known === undefined) return { ...watched, steps: pushed(steps, after, stepBounds) };
  return { ...watched, steps: replaced(steps, steps.items.lastIndexOf(known), after, stepBounds) };
}

function stepOf({ steps }: Watched, number: number): Step | undefined {
  return steps.items.findLast((step) => step.number === number);
}

function newStep(
  { frame, size, sequence }: Heard<{ readonly sessionId: string }>,
  number: number | undefined,
  event: DescribedEvent,
  at: number,
): Step {
  const nothing = { source: undefined, edges: [], active: undefined, snapshot: undefined };
  return { sequence, sessionId: frame.sessionId, number, at, event, size, isSent: false, isFound: false, ...nothing };
}
