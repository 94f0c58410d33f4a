/** Where adapters of the package itself, `troupe/otel` for one, get more of a Troupe than its public face has. */
import type { Events } from './events.ts';

export interface Seam {
  readonly events: Events;
  /** The route of a service, `/chat/{room}` for example. */
  routeOf(service: string): string | undefined;
  /** How many connections each service holds, those that are closing included; a name may come twice while one replaces another. */
  connectionCounts(): Iterable<{ readonly service: string; readonly connections: number }>;
}

const seams = new WeakMap<object, Seam>();

/** Says what adapters may use of `troupe`. */
export function offerSeam(troupe: object, seam: Seam): void {
  seams.set(troupe, seam);
}

/** Undefined for what is no Troupe, or one of another copy of the package. */
export function seamOf(troupe: object): Seam | undefined {
  return seams.get(troupe);
}
