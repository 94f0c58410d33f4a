/**
 * Paths of services: `basePath` + `webSocketUpgradePath`.
 *
 * Source: the seed, "Add WebSocketUpgradePath".
 */
import { TroupeError } from '../errors.ts';
import { percentDecode } from '../percent-decode.ts';

/** The parameters in a path: `PathParams<'/chat/{room}'>` is `{ room: string }`. */
export type PathParams<Path extends string> =
  IsPattern<Path> extends true ? Readonly<Record<string, string>> : { readonly [Name in ParamNames<Path>]: string };

/** Whether a path is only known as some string when the program is compiled. */
type IsPattern<Path extends string> = Record<never, never> extends Record<Path, unknown> ? true : false;

type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

/** One segment of a route: a literal text, or a parameter that takes a whole segment. */
export type Segment = { readonly literal: string } | { readonly param: string };

/** A normalised path: one slash in front, none behind, none doubled. */
export interface Route {
  /** As it is written in messages and used as the default name of a service: `/chat/{room}`. */
  readonly path: string;
  readonly segments: readonly Segment[];
}

const PARAMETER = /^\{([A-Za-z_$][\w$]*)\}$/;

/**
 * Reads a path.
 *
 * @throws {TroupeError} `TROUPE_PATH_INVALID`
 */
export function parseRoute(service: string, ...parts: readonly string[]): Route {
  const path = `/${parts.join('/').split('/').filter(Boolean).join('/')}`;
  const invalid = (reason: string) => new TroupeError('TROUPE_PATH_INVALID', { service, path, reason });
  const names = new Set<string>();
  const segments = path
    .split('/')
    .slice(1)
    .filter(Boolean)
    .map((segment): Segment => {
      const name = PARAMETER.exec(segment)?.[1];
      if (name !== undefined) {
        if (names.has(name)) throw invalid(`the parameter "{${name}}" stands in it twice`);
        names.add(name);
        return { param: name };
      }
      if (/[{}]/.test(segment)) throw invalid(`"${segment}" mixes a parameter with other text`);
      if (/[?#\s]/.test(segment)) throw invalid(`"${segment}" contains what no path may: "?", "#" or white space`);
      const literal = percentDecode(segment);
      if (literal === undefined) throw invalid(`"${segment}" is no valid percent-encoding`);
      if (literal === '.' || literal === '..') throw invalid('"." and ".." never arrive at a server');
      return { literal };
    });
  return { path, segments };
}
