import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../support/client.ts';

// The first example stands in the README in three forms. They are one service: each is run as it stands there.

const root = new URL('../..', import.meta.url).pathname;
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/<!-- example: (\S+) -->\s+```\w+\n([\s\S]*?)^```/gm)].map(
  ([, name = '', code = '']) => ({ name, code }),
);

let folder = '';

beforeAll(() => {
  // Below the repository, where the package's own name resolves, and in a folder that git ignores.
  mkdirSync(join(root, 'coverage'), { recursive: true });
  folder = mkdtempSync(join(root, 'coverage/readme-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the first example of the README', () => {
  it('stands there in three forms', () => {
    expect(examples.map(({ name }) => name)).toEqual(['first.mjs', 'class.mts', 'machine.mts']);
  });

  it.each(examples)('answers an echo as $name', { timeout: 30_000 }, async ({ name, code }) => {
    const program = join(folder, name);
    writeFileSync(program, code.replace('port: 9090', 'port: 0'));
    const server = spawn(process.execPath, ['--import', 'tsx', '--conditions=troupe-source', program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(server, 'exit');
    try {
      const { value } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
      const client = await connect(/ws:\/\/\S+/.exec(String(value))?.[0] ?? 'no address');
      client.send('hello');
      expect(await client.next()).toBe('You said: hello');
      await client.terminate();
    } finally {
      server.kill();
      await ended;
    }
  });
});
