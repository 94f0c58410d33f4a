import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;

/** Paths of all files below a folder of the repository, relative to its root. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
}

const source = [...filesBelow('src'), ...filesBelow('machines')];

describe('files below src and machines', () => {
  it('have at most 400 lines', () => {
    const long = source
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400);
    expect(long).toEqual([]);
  });

  it('say in their name what they hold, so none is called utils, helpers or misc', () => {
    expect(source.filter((file) => /^(utils?|helpers?|misc|common)\b/.test(basename(file)))).toEqual([]);
  });

  it('write no log of their own: what is worth saying is a fact', () => {
    const code = source.filter((file) => /\.tsx?$/.test(file) && !file.startsWith('src/cli/'));
    expect(code.filter((file) => /(?<!')\bconsole\./.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });

  it('are kebab-case nouns', () => {
    const names = source.filter((file) => file.endsWith('.ts')).map((file) => basename(file, '.ts'));
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
  });

  it('leave the index to the public face: no barrels in folders', () => {
    expect(source.filter((file) => basename(file) === 'index.ts')).toEqual(['src/index.ts']);
  });
});

interface Locked {
  version?: string;
  optionalDependencies?: Record<string, string>;
}

describe('the lock file', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Record<string, Locked> };

  it('names no registry', () => {
    expect(lock).not.toContain('"resolved": "http');
  });

  it('keeps the versions that Node 20 needs', () => {
    expect(packages['node_modules/vite']?.version).toBe('7.3.8');
    expect(packages['node_modules/nanoid']?.version).toMatch(/^5\./);
    expect(packages['node_modules/typescript']?.version).toBe('7.0.2');
  });

  // A registry that lacks the binaries of one platform makes npm leave their entries out,
  // and from then on `npm ci` refuses the file everywhere.
  it('has an entry for the binaries of every platform', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !(`${path}/node_modules/${name}` in packages || `node_modules/${name}` in packages))
        .map((name) => `${path} asks for ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the tests', () => {
  it('run on the build of XState that plain Node runs, and on our sources', () => {
    expect(import.meta.resolve('xstate')).toMatch(/\/xstate\/dist\/xstate\.cjs\.mjs$/);
    expect(import.meta.resolve('troupe')).toMatch(/\/src\/index\.ts$/);
  });
});
