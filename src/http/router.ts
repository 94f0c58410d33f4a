/**
 * Finds what is registered for a path; the most specific route wins.
 *
 * Built on `rou3`. Paths are compared segment by segment after percent-decoding,
 * slashes normalised, so that `/chat//a%62c/` is `/chat/abc`.
 */
import { addRoute, createRouter, findRoute, removeRoute, type RouterContext } from 'rou3';
import { percentDecode } from '../percent-decode.ts';
import type { Route, Segment } from '../service/path.ts';

/** What was found. */
export interface Match<Value> {
  readonly value: Value;
  readonly params: Readonly<Record<string, string>>;
}

interface Entry<Value> {
  readonly value: Value;
  readonly names: readonly string[];
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** Paths that nothing has to be done to: what `encodeURIComponent` leaves as it is, between single slashes. */
const CANONICAL = /^(?:\/[\w\-.!~*'()]+)+$/;

export class Router<Value> {
  readonly #router: RouterContext<Entry<Value>> = createRouter();
  readonly #byShape = new Map<string, Value>();
  readonly #suffix: '' | '/**';
  /** What was found last without parameters: most connections of a server are opened at the same path. */
  #lastPath: string | undefined;
  #lastMatch: Match<Value> | undefined;

  /** Finds by the whole path, or also for every path below a route. */
  constructor(matches: 'whole' | 'below' = 'whole') {
    this.#suffix = matches === 'below' ? '/**' : '';
  }

  /** What is registered for exactly the paths of `route`, whatever its parameters are called. */
  get(route: Route): Value | undefined {
    return this.#byShape.get(shapeOf(route));
  }

  /** Registers `value`. A route that is taken must be removed first. */
  add(route: Route, value: Value): void {
    const names = route.segments.flatMap((segment) => ('param' in segment ? [segment.param] : []));
    this.#byShape.set(shapeOf(route), value);
    this.#forgetLast();
    addRoute(this.#router, '', this.#patternOf(route), { value, names });
  }

  remove(route: Route): void {
    this.#byShape.delete(shapeOf(route));
    this.#forgetLast();
    removeRoute(this.#router, '', this.#patternOf(route));
  }

  /** What is registered for `path` (without a query); `undefined` for nothing or a malformed path. */
  find(path: string): Match<Value> | undefined {
    if (path === this.#lastPath) return this.#lastMatch;
    const canonical = canonicalPath(path);
    const match = canonical === undefined ? undefined : findRoute(this.#router, '', canonical);
    if (match === undefined) return undefined;
    const { value, names } = match.data;
    if (names.length === 0) {
      this.#lastPath = path;
      return (this.#lastMatch = { value, params: NO_PARAMS });
    }
    const entries = names.map((name, index) => [name, decodeURIComponent(match.params?.[`p${index}`] ?? '')] as const);
    return { value, params: Object.fromEntries(entries) };
  }

  #forgetLast(): void {
    this.#lastPath = undefined;
    this.#lastMatch = undefined;
  }

  #patternOf(route: Route): string {
    let params = 0;
    const pattern = (segment: Segment): string =>
      'param' in segment ? `:p${params++}` : encodeURIComponent(segment.literal).replaceAll(/[()*]/g, '\\$&');
    const path = route.segments.map((segment) => `/${pattern(segment)}`).join('');
    return `${path}${this.#suffix}` || '/';
  }
}

/** The paths of a route, whatever its parameters are called. */
function shapeOf(route: Route): string {
  return route.segments
    .map((segment) => ('param' in segment ? '/{}' : `/${encodeURIComponent(segment.literal)}`))
    .join('');
}

function canonicalPath(path: string): string | undefined {
  if (CANONICAL.test(path)) return path;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '') continue;
    const decoded = percentDecode(segment);
    if (decoded === undefined) return undefined;
    try {
      segments.push(encodeURIComponent(decoded));
    } catch {
      return undefined; // a lone surrogate
    }
  }
  return `/${segments.join('/')}`;
}
