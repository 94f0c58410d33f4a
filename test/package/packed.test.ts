import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

const root = new URL('../..', import.meta.url).pathname;
let folder: string;
let project: string;
let tarball: string;

/** Runs a command to its end; what it printed is the message when it fails. */
function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}

/** The fenced block of the README that follows `<!-- example: name -->`. */
function exampleOfReadme(name: string): string | undefined {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  return readme
    .split(`<!-- example: ${name} -->`)[1]
    ?.match(/^```\w+\n(.*?)^```/ms)?.[1]
    ?.replace(/\bport: \d+/, 'port: 0');
}

/** Runs a program that prints the address of its service, sends it a text and gives the answer. */
async function answerOf(program: string, text: string): Promise<string> {
  const server = spawn(process.execPath, [program], { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  server.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaint += chunk));
  const ended = once(server, 'exit');
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      const address = /wss?:\/\/\S+/.exec(line)?.[0];
      if (address === undefined) continue;
      const socket = new WebSocket(address);
      await once(socket, 'open');
      const answered = once(socket, 'message');
      socket.send(text);
      const [data] = (await answered) as [Buffer];
      socket.terminate();
      return data.toString();
    }
    throw new Error(`${program} ended without an address for a WebSocket:\n${complaint}`);
  } finally {
    server.kill();
    await ended;
  }
}

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** All files beneath `folder` of the installed package: path and bytes. */
function filesOf(folder: string): ReadonlyMap<string, number> {
  const installed = join(project, 'node_modules/troupe');
  const entries = readdirSync(join(installed, folder), { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/troupe/node_modules'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(installed, path), statSync(path).size]),
  );
}

const sumOf = (files: ReadonlyMap<string, number>): number =>
  Array.from(files.values()).reduce((sum, size) => sum + size, 0);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-package-'));
  project = join(folder, 'project');
  mkdirSync(project);
  run('npm', ['pack', '--pack-destination', folder], root);
  tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? 'no tarball';
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
  const types = '@types/node@20';
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund'];
  run('npm', ['install', ...quiet, join(folder, tarball), types], project);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package in an empty project', () => {
  it("runs the README's first example in JavaScript", { timeout: 30_000 }, async () => {
    writeFileSync(join(project, 'first.mjs'), exampleOfReadme('first.mjs') ?? '');
    expect(await answerOf('first.mjs', 'hello')).toContain('hello');
  });

  it("checks and runs the README's first example in TypeScript", { timeout: 60_000 }, async () => {
    // Where the README has no example of its own for TypeScript, the first one reads the same in both.
    const example = exampleOfReadme('first.mts') ?? exampleOfReadme('first.mjs') ?? '';
    writeFileSync(join(project, 'typed.mts'), example);
    const compilerOptions = {
      strict: true,
      noUncheckedIndexedAccess: true,
      module: 'nodenext',
      target: 'es2022',
      types: ['node'],
      // Our declarations are checked as well: they lean on no type package but Node's.
      skipLibCheck: false,
      outDir: 'out',
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['typed.mts'] }, null, 2));
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], project);
    expect(await answerOf('out/typed.mjs', 'hello')).toContain('hello');
  });

  it('brings the program troupe, which reads modules of the project', { timeout: 30_000 }, () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const program = join(project, 'node_modules/.bin/troupe');
    expect(run(program, ['--version'], project)).toBe(`${version}\n`);
    const service = `import { defineService } from 'troupe';
      export const chat = defineService({ basePath: '/chat', onOpen() {} });`;
    writeFileSync(join(project, 'service.mjs'), service);
    const { channels } = JSON.parse(run(program, ['asyncapi', 'service.mjs'], project)) as { channels: object };
    expect(channels).toMatchObject({ chat: { address: '/chat' } });
  });

  it('ships the sources that its source maps point to', () => {
    const installed = join(project, 'node_modules/troupe');
    const map = JSON.parse(readFileSync(join(installed, 'dist/src/index.js.map'), 'utf8')) as {
      sources: string[];
    };
    const sources = map.sources.map((source) => readFileSync(join(installed, 'dist/src', source), 'utf8'));
    expect(sources).toEqual([readFileSync(join(root, 'src/index.ts'), 'utf8')]);
  });

  it('ships no tests and no settings', () => {
    expect(readdirSync(join(project, 'node_modules/troupe')).toSorted()).toEqual(
      ['LICENSE', 'README.md', 'THIRD-PARTY-NOTICES.md', 'dist', 'docs', 'machines', 'package.json', 'src'].toSorted(),
    );
  });
});

describe('the inspector’s page in the package', () => {
  const page = 'dist/inspector/page';
  const shipped = (name: string): Buffer => readFileSync(join(project, 'node_modules/troupe', page, name));

  it('comes with the licences of what it is made from, and with elkjs as it is published', () => {
    const copies = [
      ['page.LICENSE.txt', 'preact/LICENSE'],
      ['elk-worker.LICENSE.md', 'elkjs/LICENSE.md'],
      ['elk-worker.min.js', 'elkjs/lib/elk-worker.min.js'],
    ] as const;
    const differing = copies.filter(
      ([name, source]) => !shipped(name).equals(readFileSync(join(root, 'node_modules', source))),
    );
    expect(differing).toEqual([]);
    const notices = textOf('THIRD-PARTY-NOTICES.md');
    for (const [title, name] of [
      ['elkjs', 'elkjs'],
      ['Preact', 'preact'],
    ] as const) {
      const { version } = JSON.parse(textOf(`node_modules/${name}/package.json`)) as { version: string };
      expect(notices).toContain(`## ${title} ${version}\n`);
    }
    for (const [name] of copies) expect(notices).toContain(name);
  });

  it('is there once: no maps of it, no sources of it, no pictures of the documentation', () => {
    const files = Array.from(filesOf('').keys());
    expect(
      files
        .filter((file) => file.startsWith(`${page}/`))
        .map((file) => file.slice(page.length + 1))
        .toSorted(),
    ).toEqual([
      'elk-worker.LICENSE.md',
      'elk-worker.min.js',
      'icon.svg',
      'index.html',
      'page.LICENSE.txt',
      'page.css',
      'page.js',
      'stately.css',
      'stately.html',
      'stately.js',
    ]);
    expect(files.filter((file) => file.startsWith('src/inspector/page/') || file.endsWith('.png'))).toEqual([]);
  });

  it('leaves the package below its bounds, and as large as the documentation says', () => {
    const packed = statSync(join(folder, tarball)).size;
    const unpacked = sumOf(filesOf(''));
    expect(packed).toBeLessThan(1_650_000);
    expect(unpacked).toBeLessThan(6_700_000);

    const files = filesOf(page);
    const packedPage = Array.from(files.keys(), (file) =>
      gzipSync(readFileSync(join(project, 'node_modules/troupe', file)), { level: 9 }),
    ).reduce((sum, { length }) => sum + length, 0);
    const measured = [
      [packed, unpacked],
      [packedPage, sumOf(files)],
      [packed - packedPage, unpacked - sumOf(files)],
    ].flat();
    const said = Array.from(
      textOf('docs/inspector.md').matchAll(/^\|[^|]+\| ([\d.]+) MB +\| ([\d.]+) MB +\|$/gm),
      ([, download, disk]) => [Number(download) * 1e6, Number(disk) * 1e6],
    ).flat();
    expect(said).toHaveLength(measured.length);
    const differing = measured.filter((bytes, index) => Math.abs(bytes / (said[index] ?? 0) - 1) > 0.1);
    expect({ measured, said, differing }).toEqual({ measured, said, differing: [] });
    expect(textOf('README.md')).toContain(`${(said[0] ?? 0) / 1e6} MB to download`);
  });
});
