/** `troupe asyncapi <module>`: writes the AsyncAPI document of the services that a module exports. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError, type Command, type Surroundings } from './command.ts';
import { loadModule, servicesOf } from './load.ts';

export const asyncapi: Command = {
  summary: 'Writes an AsyncAPI document of the services that a module exports.',
  usage: `Usage: troupe asyncapi <module> [options]

Writes an AsyncAPI 3.0 document, as JSON, of the services that <module> exports:
results of defineService() and annotated classes, by themselves or in arrays.
The module is run. TypeScript needs tsx in the project of the module.

Options:
  -o, --out <file>           write to a file instead of the standard output
      --title <text>         title of the document (default: name in package.json)
      --version <text>       version of the document (default: the one in package.json)
      --server <name>=<url>  where the server is; may be repeated
  -h, --help                 show this
`,
  async run(args, surroundings) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string', short: 'o' },
        title: { type: 'string' },
        version: { type: 'string' },
        server: { type: 'string', multiple: true },
      },
    });
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) throw new UsageError('Name one module.');
    const servers = serversOf(values.server);
    const { folder } = surroundings;
    const loaded = await loadModule(path, folder);
    const services = servicesOf(path, loaded);
    const about = packageAbove(resolve(folder, path));
    const document = await loaded.troupe.asyncApiOf(services, {
      title: values.title ?? about.name ?? path,
      version: values.version ?? about.version ?? '0.0.0',
      ...(servers !== undefined && { servers }),
    });
    write(`${JSON.stringify(document, null, 2)}\n`, values.out, surroundings);
  },
};

function write(text: string, out: string | undefined, { folder, stdout }: Surroundings): void {
  if (out === undefined) stdout.write(text);
  else writeFileSync(resolve(folder, out), text);
}

function serversOf(given: readonly string[] | undefined): Record<string, string> | undefined {
  if (given === undefined) return undefined;
  return Object.fromEntries(
    given.map((one) => {
      const [, name, url] = /^([^=]+)=(.+)$/.exec(one) ?? [];
      if (name === undefined || url === undefined || !URL.canParse(url)) {
        throw new UsageError(`"${one}" is no server. Write --server production=wss://example.com.`);
      }
      return [name, url];
    }),
  );
}

/** What the nearest package.json above a file says. */
function packageAbove(file: string): { readonly name?: string; readonly version?: string } {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const candidate = join(folder, 'package.json');
    if (existsSync(candidate))
      return JSON.parse(readFileSync(candidate, 'utf8')) as { name?: string; version?: string };
    if (folder === dirname(folder)) return {};
  }
}
