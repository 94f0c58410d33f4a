import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guide } from '../support/guide.ts';

const root = new URL('../..', import.meta.url).pathname;

/** Every block of commands with the mark before it. */
const blocks = [...guide.matchAll(/(?:<!-- (run|not run here): (.+?) -->\n\n)?^```sh\n([\s\S]*?)^```/gm)].map(
  ([, mark, what = '', commands = '']) => ({ mark, what, commands }),
);
const [, ending = ''] = guide.split('## What was run');

describe('each command of the deployment guide', () => {
  it('is said to be run, or not', () => {
    expect(blocks.length).toBeGreaterThan(5);
    expect(blocks.filter(({ mark }) => mark === undefined)).toEqual([]);
  });

  it('is run by a test if it says so', () => {
    const tests = ['test/examples', 'test/support']
      .flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(root, folder, file)))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    const run = blocks.filter(({ mark }) => mark === 'run').map(({ what }) => what);
    expect(run.filter((name) => !tests.includes(`commandsOf('${name}')`))).toEqual([]);
  });

  it('stands in the list at the end if it is not', () => {
    const programs = blocks
      .filter(({ mark }) => mark === 'not run here')
      .flatMap(({ commands }) => commands.match(/^(?:ssh -L|systemctl|journalctl|docker \w+)/gm) ?? []);
    expect(programs).toContain('docker run');
    expect(programs.filter((program) => !ending.includes(`\`${program}\``))).toEqual([]);
  });
});
