import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the program as a process of its own, from its source. */
function troupe(args: readonly string[], folder = root): Promise<Run> {
  const program = join(root, 'src/cli/main.ts');
  const tsx = import.meta.resolve('tsx');
  const child = spawn(process.execPath, ['--conditions=troupe-source', '--import', tsx, program, ...args], {
    cwd: folder,
  });
  const run: Run = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.stderr += text));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ ...run, code }));
  });
}

/** A project of its own that has this package, and others of its dependencies. */
function project(files: Readonly<Record<string, string>>, modules: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/troupe'));
  for (const name of modules) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const service = `import { defineMessages, defineService } from 'troupe';
import { z } from 'zod';
const messages = defineMessages({ incoming: { say: z.object({ text: z.string() }) } });
export const chat = defineService({ basePath: '/chat', messages, onMessage() {} });
export const more = [defineService({ basePath: '/more', onOpen() {} })];
`;

describe('troupe asyncapi', () => {
  it('writes the document of a module in TypeScript to the standard output', async () => {
    const { code, stdout, stderr } = await troupe(['asyncapi', 'examples/typed-messages/service.ts']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as { info: object; channels: object };
    expect(document.info).toMatchObject({ title: 'troupe' });
    expect(Object.keys(document.channels)).toEqual(['tasks']);
  }, 30_000);

  it('finds all services of a module, decorators and arrays included, and takes its options', async () => {
    const folder = project(
      {
        'package.json': '{ "name": "shop", "version": "2.3.4", "type": "module" }',
        'service.ts': `${service}
import { BasePath, OnOpen } from 'troupe';
@BasePath('/annotated') export class Annotated { @OnOpen() opened(): void {} }
export const unrelated: number = 5;
`,
      },
      ['zod'],
    );
    const args = ['--title', 'A shop', '--server', 'live=wss://shop.example', '-o', 'asyncapi.json'];
    expect(await troupe(['asyncapi', 'service.ts', ...args], folder)).toEqual({ code: 0, stdout: '', stderr: '' });
    const document = JSON.parse(readFileSync(join(folder, 'asyncapi.json'), 'utf8')) as Record<string, object>;
    expect(document['info']).toEqual({ title: 'A shop', version: '2.3.4' });
    expect(document['servers']).toEqual({ live: { host: 'shop.example', protocol: 'wss' } });
    expect(Object.keys(document['channels']!).toSorted()).toEqual(['annotated', 'chat', 'more']);
  }, 30_000);

  it.each<[string, Record<string, string>, string[], number, string]>([
    ['no module', {}, ['asyncapi'], 2, 'Name one module.'],
    ['an unknown option', {}, ['asyncapi', 'a.js', '--colour'], 2, '--colour'],
    ['a server that is none', {}, ['asyncapi', 'a.js', '--server', 'live'], 2, '"live" is no server'],
    ['a file that is not there', {}, ['asyncapi', 'a.js'], 1, 'there is no such file'],
    ['a module that throws', { 'a.mjs': "throw new Error('broken');" }, ['asyncapi', 'a.mjs'], 1, 'broken'],
    ['a module without services', { 'a.mjs': 'export const a = 1;' }, ['asyncapi', 'a.mjs'], 1, 'exports no service'],
    ['an unknown command', {}, ['asyncapy'], 2, 'There is no command "asyncapy"'],
    ['no command', {}, [], 2, 'Usage: troupe <command>'],
    ['a name that every object has', {}, ['constructor'], 2, 'There is no command "constructor"'],
  ])(
    'says what is wrong: %s',
    async (_what, files, args, expected, words) => {
      const { code, stdout, stderr } = await troupe(args, project(files));
      expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
      expect(stderr).toContain(words);
      expect(stderr).not.toMatch(/^ +at /m);
    },
    30_000,
  );
});

describe('troupe', () => {
  it('tells its version, its commands, and the options of each', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await troupe(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect((await troupe(['--help'])).stdout).toContain('asyncapi');
    const { code, stdout } = await troupe(['asyncapi', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('--server <name>=<url>');
  }, 30_000);

  it('documents every option that it has', async () => {
    const page = readFileSync(join(root, 'docs/command-line.md'), 'utf8');
    const { stdout } = await troupe(['asyncapi', '--help']);
    for (const [option] of stdout.matchAll(/--[a-z-]+/g)) expect(page).toContain(`\`${option}`);
  }, 30_000);
});
