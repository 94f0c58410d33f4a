import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Lock {
  readonly packages: Readonly<Record<string, { version?: string; integrity?: string }>>;
}

const root = new URL('../..', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const parse = (path: string): Lock => JSON.parse(read(path)) as Lock;

describe('the lock file of the benchmark', () => {
  const bench = parse('bench/package-lock.json').packages;

  it('names no registry', () => {
    expect(read('bench/package-lock.json')).not.toContain('"resolved": "http');
  });

  // Otherwise Troupe and the ws beside it, or the guard, would be measured on another ws than is tested.
  it('has the same ws as the package', () => {
    const version = bench['node_modules/ws']?.version;
    expect(version).toBe(parse('package-lock.json').packages['node_modules/ws']?.version);
  });

  it('has the same client of Redis as the package', () => {
    const version = bench['node_modules/@redis/client']?.version;
    expect(version).toBe(parse('package-lock.json').packages['node_modules/@redis/client']?.version);
  });

  it('pins the republished uWebSockets.js by its checksum', () => {
    expect(bench['node_modules/uwebsockets']).toMatchObject({
      version: '3.0.6',
      integrity: 'sha512-0Nw22DDOd1YGnJ8/IHYVCDHZXAVqLnjBxktl2bSjcJRVcgasb2Zs8WCRhL41IydraLLq001c6ycHdIS+rEcAxw==',
    });
  });
});
