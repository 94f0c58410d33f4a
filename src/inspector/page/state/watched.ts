/**
 * What one watched actor did: its latest steps, each an event with the edges
 * taken and the snapshot afterwards.
 *
 * The server tells of an event when it is sent and of the snapshot when it has
 * been dealt with; others may be sent in between, and frames may be left out.
 * The number that the server gives a step says what belongs together, and its
 * numbers of moments say what was before what: frames arrive in another order.
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
  /** The moment at which it began, as a number: which was first, of all actors. */
  readonly began: number;
  /** The moment of its snapshot: from then on the actor was like that. */
  readonly taken: number | undefined;
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
  /** The moment from which on it is known. */
  readonly since: number;
  /** When not everything was told. */
  readonly gaps: readonly Gap[];
  /** The ids of the states that are active in `snapshot`, if the server told them. */
  readonly active: readonly string[] | undefined;
  readonly steps: Ring<Step>;
  /** Edges taken lately, to be flashed. */
  readonly flashes: readonly Flash[];
  /** The moment of its end. */
  readonly endedAt: number | undefined;
}

/** Between two moments it is not known how the actor was, but where a step says so. */
export interface Gap {
  readonly from: number;
  /** Undefined: it lasts. */
  readonly to: number | undefined;
}

/** How an actor was at a moment. */
export type Known = Pick<Watched, 'snapshot' | 'active'>;

export interface Flash {
  readonly moment: number;
  readonly edge: TakenEdge;
}

/** A frame about an actor, and its length in characters. */
export interface Heard<Frame> {
  readonly frame: Frame;
  readonly size: number;
}

export const stepBounds = { count: 500, size: 8 * 1024 * 1024, sizeOf: ({ size }: Step) => size };
const mostFlashes = 16;

export function newWatched({ frame }: Heard<ActorFrame>): Watched {
  const { sessionId, name, parentId, snapshot, moment } = frame;
  const known = { sessionId, name, parentId, snapshot, before: snapshot, since: moment, active: undefined };
  return { ...known, gaps: [], steps: emptyRing(), flashes: [], endedAt: undefined };
}

/** The actor is told of again. Its steps stay; after a gap this is one more, without an event. */
export function watchedAgain(watched: Watched, heard: Heard<ActorFrame>): Watched {
  const { name, parentId, snapshot, createdAt, moment } = heard.frame;
  const found = { ...watched, name, parentId, snapshot, active: undefined };
  const last = watched.steps.items.at(-1);
  if (!isInGap(watched) && last?.isFound !== true) return last === undefined ? { ...found, before: snapshot } : found;
  const step = {
    ...newStep(heard, undefined, { type: '' }, Number(createdAt)),
    snapshot,
    taken: moment,
    isFound: true,
  };
  const steps = last?.isFound === true ? withoutLast(watched.steps) : watched.steps;
  const gaps = watched.gaps.map((gap, index, { length }) => (index === length - 1 ? { ...gap, to: moment } : gap));
  return { ...found, gaps, steps: pushed(steps, step, stepBounds) };
}

/** After the moment `latest` not everything is told; nor of the step that it is in. */
export function withGap(watched: Watched, latest: number): Watched {
  if (isInGap(watched)) return watched;
  const { items } = watched.steps;
  const done = items.findLastIndex(({ taken }) => taken !== undefined);
  // The snapshot of the step that follows may have been taken by then, and be what is not told.
  const open = Math.max(items[done + 1]?.began ?? latest, items[done]?.taken ?? 0);
  const from = Math.min(latest, open);
  const oldest = items[0]?.began ?? from;
  const gaps = watched.gaps.filter(({ to = oldest }) => to >= oldest);
  // Which edge was taken last is not known any more either.
  return { ...watched, active: undefined, flashes: [], gaps: [...gaps, { from, to: undefined }] };
}

/** The actor has come to its end. */
export function ended(watched: Watched, moment: number): Watched {
  return { ...watched, endedAt: watched.endedAt ?? moment };
}

/** Whether it had come to its end at `moment`; now, without one. */
export function hasEnded({ endedAt }: Watched, moment: number | undefined): boolean {
  return endedAt !== undefined && endedAt <= (moment ?? Infinity);
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
  const { edges, active, at, moment } = heard.frame;
  const flashes = edges.map((edge) => ({ moment, edge }));
  return {
    ...extended(watched, heard, at, (step) => ({ edges: [...step.edges, ...edges], active })),
    flashes: [...watched.flashes, ...flashes].slice(-mostFlashes),
  };
}

export function withSnapshot(watched: Watched, heard: Heard<SnapshotFrame>): Watched {
  const { snapshot, createdAt, step: number, moment: taken } = heard.frame;
  // In a gap the edges may be missing, or the last of them: what they led to need not be what is active now.
  const active = isInGap(watched) ? undefined : (stepOf(watched, number)?.active ?? watched.active);
  return { ...extended(watched, heard, Number(createdAt), () => ({ snapshot, active, taken })), snapshot, active };
}

/** How the actor was at `moment`, how it is now without one; undefined if that is not known. */
export function knownAt(watched: Watched, moment: number | undefined): Known | undefined {
  const { steps, gaps, since, before } = watched;
  // What ends in a gap is not told of again.
  if (moment === undefined) return hasEnded(watched, moment) && isInGap(watched) ? undefined : watched;
  const step = latestTaken(steps.items, moment);
  if (step?.taken === moment) return step;
  if (gaps.some(({ from, to = Infinity }) => from < moment && moment < to)) return undefined;
  if (step !== undefined) return step;
  return steps.dropped === 0 && since <= moment ? { snapshot: before, active: undefined } : undefined;
}

/** Steps stand in the order in which they began; what an actor does by itself may be taken before what it was sent. */
function latestTaken(steps: readonly Step[], moment: number): Step | undefined {
  let latest: Step | undefined;
  for (const step of steps) {
    const { taken = Infinity } = step;
    if (taken <= moment && taken >= (latest?.taken ?? -Infinity)) latest = step;
  }
  return latest;
}

/** The edges that led to what was taken at `moment`, if it is one of this actor. */
export function edgesAt({ steps }: Watched, moment: number): readonly TakenEdge[] {
  return steps.items.find((step) => step.taken === moment)?.edges ?? [];
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
  { frame, size }: Heard<{ readonly sessionId: string; readonly moment: number }>,
  number: number | undefined,
  event: DescribedEvent,
  at: number,
): Step {
  const nothing = { source: undefined, edges: [], active: undefined, snapshot: undefined, taken: undefined };
  const { sessionId, moment: began } = frame;
  return { began, sessionId, number, at, event, size, isSent: false, isFound: false, ...nothing };
}
