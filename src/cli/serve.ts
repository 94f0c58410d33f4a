/** One node that serves what a module exports, until it is told to close. */
import { InputError, UsageError, type Surroundings } from './command.ts';
import { answerHealth } from './health.ts';
import { loadModule, servicesOf, type Loaded } from './load.ts';
import { heed } from './worker.ts';
import type { Troupe, TroupeOptions } from '../index.ts';

export interface ServeSettings {
  readonly module: string;
  readonly host: string;
  readonly port: number;
  readonly drainMs: number;
  /** Whether it is the only process that serves the port. */
  readonly isAlone: boolean;
  readonly redis: string | undefined;
  readonly nats: readonly string[] | undefined;
  readonly health: string | undefined;
  readonly inspector: boolean;
}

/** How long what a module leaves open, such as a connection to a database, keeps a process that has closed. */
const LEFT_OPEN_MS = 1000;

/** Resolves when it has closed. */
export async function serve(settings: ServeSettings, surroundings: Surroundings): Promise<void> {
  const primary = heed();
  try {
    const loaded = await loadModule(settings.module, surroundings.folder);
    const troupe: Troupe = loaded.troupe.createTroupe(await optionsOf(settings, loaded, () => troupe));
    const drain = { timeoutMs: settings.drainMs };
    const closed = new Promise<void>((resolve) => troupe.on('server.closed', () => resolve()));
    loaded.troupe.closeOnSignals(troupe, { drain });
    const { host, port } = settings;
    try {
      const { webSocketUrl } = await troupe.listen({ host, port });
      if (primary === undefined) surroundings.stdout.write(`Listens on ${webSocketUrl}\n`);
      else primary.serving(troupe, webSocketUrl, drain);
    } catch (error) {
      await troupe.close({ drain: { timeoutMs: 0 } });
      throw error;
    }
    if (troupe.inspector?.url !== undefined) surroundings.stdout.write(`Inspector: ${troupe.inspector.url}\n`);
    await closed;
  } finally {
    primary?.leave();
    // Unless nothing keeps it anyway; with the exit code that it has by then.
    setTimeout(() => surroundings.exit(), LEFT_OPEN_MS).unref();
  }
}

async function optionsOf(settings: ServeSettings, loaded: Loaded, troupe: () => Troupe): Promise<TroupeOptions> {
  const given = await givenOptions(settings.module, loaded);
  const asked = await backplaneOf(settings, loaded);
  if (asked !== undefined && given.backplane !== undefined) {
    throw new UsageError('The module has a backplane of its own: leave --redis and --nats out.');
  }
  const backplane = given.backplane ?? asked;
  if (!settings.isAlone && backplane === undefined) {
    throw new UsageError(
      'Several workers need a backplane: a message of a connection of one reaches those of another by nothing else. ' +
        'Start redis-server and add --redis redis://127.0.0.1:6379, or nats-server -js and add --nats 127.0.0.1:4222, ' +
        'or export options with a backplane by default.',
    );
  }
  const { health, inspector } = settings;
  return {
    ...given,
    ...(backplane !== undefined && { backplane }),
    ...(inspector && { inspector: given.inspector || true }),
    ...(health !== undefined && { http: answerHealth(health, given.http, () => troupe().health()) }),
  };
}

/** What the default export says, or the services that are exported. */
async function givenOptions(module: string, loaded: Loaded): Promise<TroupeOptions> {
  const given = loaded.exports['default'];
  const isOptions = typeof given === 'function' || (typeof given === 'object' && given !== null);
  if (!isOptions || Array.isArray(given) || loaded.troupe.isService(given)) {
    return { services: servicesOf(module, loaded) };
  }
  const options: unknown = typeof given === 'function' ? await (given as () => unknown)() : given;
  if (typeof options === 'object' && options !== null) return options;
  throw new InputError(`The default export of ${module} returns ${String(options)}, not options of createTroupe().`);
}

/** Loads `troupe/redis` or `troupe/nats`, and with it what it needs, only where it is asked for. */
async function backplaneOf({ redis, nats }: ServeSettings, loaded: Loaded): Promise<TroupeOptions['backplane']> {
  try {
    if (redis !== undefined) return (await loaded.redis()).redis({ url: redis });
    if (nats !== undefined) return (await loaded.nats()).nats({ servers: [...nats] });
    return undefined;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw new InputError('', { cause });
    const [option, packages] =
      redis === undefined ? ['--nats', '@nats-io/transport-node @nats-io/kv'] : ['--redis', '@redis/client'];
    throw new InputError(`${option} needs what is not installed: npm install ${packages}\n(${message})`);
  }
}
