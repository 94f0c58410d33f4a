import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What people copy must compile: every `ts` block of the documentation and behind an @example is checked, each as
// a module of its own that imports the package by its name, with the compiler options of the repository.

const root = new URL('../..', import.meta.url).pathname;

interface Example {
  /** `src/errors.ts:96`: the file and the line at which the code begins. */
  readonly place: string;
  readonly code: string;
}

function filesBelow(folder: string, extension: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension))
    .map((file) => join(folder, file))
    .toSorted();
}

/** The `ts` blocks of Markdown; of a docstring once its margin of stars is taken off. */
function blocksOf(place: string, text: string, firstLine = 1): Example[] {
  return [...text.matchAll(/^( *)```ts\b[^\n]*\n([\s\S]*?)^ *```$/gm)].map((match) => {
    const line = firstLine + text.slice(0, match.index).split('\n').length;
    const indent = match[1] ?? '';
    const code = (match[2] ?? '').replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    return { place: `${place}:${line}`, code };
  });
}

function examplesOfSource(file: string): Example[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/^ *\/\*\*\n([\s\S]*?)^ *\*\/$/gm)].flatMap((docstring) => {
    const text = docstring[0].replaceAll(/^ *\* ?/gm, '');
    const start = text.indexOf('@example');
    if (start === -1) return [];
    const firstLine = source.slice(0, docstring.index).split('\n').length + text.slice(0, start).split('\n').length - 1;
    return blocksOf(file, text.slice(start), firstLine);
  });
}

const sources = filesBelow('src', '.ts');
const pages = ['README.md', ...filesBelow('docs', '.md')];
const examples = [
  ...sources.flatMap(examplesOfSource),
  ...pages.flatMap((page) => blocksOf(page, readFileSync(join(root, page), 'utf8'))),
];

function fileNameOf({ place }: Example): string {
  return `${place.replaceAll(/[^\w]+/g, '-')}.ts`;
}

let folder = '';
let problems = new Map<string, string[]>();

beforeAll(() => {
  // Below the repository, where the package's own name resolves, and in a folder that git ignores.
  mkdirSync(join(root, 'coverage'), { recursive: true });
  folder = mkdtempSync(join(root, 'coverage/examples-'));
  for (const example of examples) {
    const isModule = /^(import|export)\b/m.test(example.code);
    writeFileSync(join(folder, fileNameOf(example)), isModule ? example.code : `${example.code}\nexport {};\n`);
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }),
  );
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', folder],
    { cwd: folder, encoding: 'utf8' },
  );
  problems = new Map();
  for (const line of stdout.split('\n')) {
    const [, file, problem] = /^(.+?\.ts)(\(.*)$/.exec(line) ?? [];
    if (file === undefined || problem === undefined) continue;
    problems.set(basename(file), [...(problems.get(basename(file)) ?? []), problem]);
  }
  if (status !== 0 && problems.size === 0) throw new Error(`the compiler failed: ${stdout}${stderr}`);
}, 60_000);

afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

describe('the examples', () => {
  it('are found in the source and in the README', () => {
    expect(examples.some(({ place }) => place.startsWith('src/troupe.ts'))).toBe(true);
    expect(examples.some(({ place }) => place.startsWith('docs/errors.md'))).toBe(true);
    const marked = sources.filter((file) => readFileSync(join(root, file), 'utf8').includes('* @example'));
    expect(new Set(sources.flatMap(examplesOfSource).map(({ place }) => place.split(':')[0]))).toEqual(new Set(marked));
  });

  it.each(examples)('at $place compile', (example) => {
    expect(problems.get(fileNameOf(example)) ?? []).toEqual([]);
  });

  it('have no problem in a file that they lead to', () => {
    const own = new Set(examples.map(fileNameOf));
    expect([...problems].filter(([file]) => !own.has(file))).toEqual([]);
  });
});
