/**
 * Loads a module of the user's, in JavaScript or TypeScript.
 *
 * TypeScript is left to `tsx`, when the user's project has it: it runs on every supported Node.js and lowers
 * decorators, which Node.js cannot run even where it strips types by itself.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TroupeError } from '../errors.ts';
import * as own from '../index.ts';
import type * as Nats from '../nats.ts';
import type * as Redis from '../redis.ts';

type Face = Pick<typeof own, 'asyncApiOf' | 'closeOnSignals' | 'createTroupe' | 'isService' | 'replayRecording'>;

export interface Loaded {
  /** The `troupe` that the module imports: what one copy has made means nothing to another. */
  readonly troupe: Face;
  /** What the module exports, by name. */
  readonly exports: Readonly<Record<string, unknown>>;
  /** `troupe/redis` of that troupe. Rejects with `ERR_MODULE_NOT_FOUND` where its peer is not installed. */
  redis(): Promise<typeof Redis>;
  /** `troupe/nats`, likewise. */
  nats(): Promise<typeof Nats>;
}

/** @throws {TroupeError} `TROUPE_MODULE_UNLOADABLE` */
export async function loadModule(path: string, folder: string): Promise<Loaded> {
  const file = resolve(folder, path);
  if (!existsSync(file)) throw unloadable(path, 'there is no such file');
  const require = createRequire(file);
  const isTyped = /\.[cm]?tsx?$/.test(file);
  const unregister = isTyped ? await registerTsx() : undefined;
  try {
    const exports = (await import(pathToFileURL(file).href)) as Loaded['exports'];
    return {
      exports,
      troupe: await faceFor(require),
      redis: async () => (await import(partFor(require, 'troupe/redis'))) as typeof Redis,
      nats: async () => (await import(partFor(require, 'troupe/nats'))) as typeof Nats,
    };
  } catch (error) {
    const hint = isTyped && unregister === undefined ? ' (tsx is not installed beside it)' : '';
    throw unloadable(path, `${error instanceof Error ? error.message : String(error)}${hint}`, error);
  } finally {
    await unregister?.();
  }
}

/** The services that a module exports, by themselves or in arrays. @throws {TroupeError} `TROUPE_MODULE_UNLOADABLE` */
export function servicesOf(path: string, { exports, troupe }: Loaded): own.ServiceSource[] {
  const found = new Set(Object.values(exports).flat().filter(troupe.isService));
  if (found.size > 0) return [...found];
  const reason = 'it exports no service, neither a result of defineService() nor an annotated class';
  throw unloadable(path, reason);
}

/** `undefined` where there is no tsx: Node.js itself may be able to. */
async function registerTsx(): Promise<(() => Promise<void>) | undefined> {
  try {
    const { register } = await import('tsx/esm/api');
    return register();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

async function faceFor(require: NodeJS.Require): Promise<Face> {
  let file: string;
  try {
    file = require.resolve('troupe');
  } catch {
    return own;
  }
  return (await import(pathToFileURL(file).href)) as Face;
}

/** The address of a part of the package: the module's, or where that has none, the program's own. */
function partFor(require: NodeJS.Require, name: string): string {
  let file: string;
  try {
    file = require.resolve(name);
  } catch {
    file = createRequire(import.meta.url).resolve(name);
  }
  return pathToFileURL(file).href;
}

function unloadable(module: string, reason: string, cause?: unknown): TroupeError {
  return new TroupeError('TROUPE_MODULE_UNLOADABLE', { module, reason }, { cause });
}
