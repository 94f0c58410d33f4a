import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

const root = new URL('../..', import.meta.url).pathname;
let folder: string;
let project: string;

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

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-package-'));
  project = join(folder, 'project');
  mkdirSync(project);
  run('npm', ['pack', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? 'no tarball';
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
      ['LICENSE', 'README.md', 'dist', 'docs', 'machines', 'package.json', 'src'].toSorted(),
    );
  });
});
