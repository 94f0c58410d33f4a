import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endpointTable } from '../../examples/showcase/table.ts';
import { addressFrom, isOfThisMachine, urlOf } from '../../examples/showcase/settings.ts';
import { connect } from '../support/client.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What npm runs for `script`, without npm in between, so that signals and exit codes are the program's own. */
function run(environment: Record<string, string>, script: 'prestart' | 'start' = 'start') {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };
  const [command = '', ...parameters] = manifest.scripts[script]?.split(' ') ?? [];
  const child = spawn(`${root}node_modules/.bin/${command}`, parameters, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Not to be killed outright: the program would go on without the loader that has started it.
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, output, errors }));

  /** The output, as soon as it contains `text`. */
  async function printed(text: string): Promise<string> {
    while (!output.includes(text)) {
      const ended = await Promise.race([once(child.stdout, 'data').then(() => undefined), exited]);
      if (ended && !output.includes(text)) throw new Error(`ended with ${ended.code}: ${ended.errors}`);
    }
    return output;
  }

  return { child, exited, printed };
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('npm start', () => {
  test('prints each endpoint with a command, serves, and ends on SIGTERM with 1001 and exit code 0', async () => {
    const { child, exited, printed } = run({ PORT: '0', HOST: '127.0.0.1' });
    const table = await printed('Ctrl+C');
    const url = /http:\/\/localhost:\d+/.exec(table)?.[0] ?? '';
    expect(table).toContain(`npx wscat -c ${url.replace('http', 'ws')}/test/websocket`);
    expect(table).toContain(`curl --data 'Ready' ${url}/notify/alice`);

    const client = await connect(`${url.replace('http', 'ws')}/test/websocket`, { origin: url });
    expect(await client.next()).toMatch(/joined$/);
    child.kill('SIGTERM');
    expect((await client.closed).code).toBe(1001);
    expect(await exited).toMatchObject({ code: 0, errors: '' });
  });

  test('builds the inspector’s page, and prints the address at which it is shown', async () => {
    expect(await run({}, 'prestart').exited).toMatchObject({ code: 0, errors: '' });
    const { printed } = run({ PORT: '0', HOST: '127.0.0.1' });
    const table = await printed('Ctrl+C');
    const address = /^ +Watch their connections +(http:\S+)$/m.exec(table)?.[1] ?? 'no address';
    expect(address).toContain('?token=');
    const page = await fetch(address, { redirect: 'manual' });
    expect(page.status).toBe(303);
    const built = ['', 'page.js', 'page.css', 'elk-worker.min.js'];
    const answers = await Promise.all(built.map((file) => fetch(new URL(file, address.split('?')[0]))));
    expect(answers.map(({ status }) => status)).toEqual(built.map(() => 200));
  });

  test('says which port is taken and how to choose another, and exits with 1', async () => {
    const port = await takenPort();
    const { code, errors, output } = await run({ PORT: String(port), HOST: '127.0.0.1' }).exited;
    expect(code).toBe(1);
    expect(errors).toContain(`Port ${port} on 127.0.0.1 is in use`);
    expect(errors).toContain('PORT=');
    expect(errors).not.toContain('    at ');
    expect(output).toBe('');
  });

  test('says what a port is when PORT is none, and exits with 1', async () => {
    const { code, errors } = await run({ PORT: 'http' }).exited;
    expect(code).toBe(1);
    expect(errors).toContain('PORT is "http"');
  });
});

describe('the address', () => {
  test('is port 9090 of this machine only, unless PORT and HOST say otherwise', () => {
    expect(addressFrom({})).toEqual({ port: 9090, host: '127.0.0.1' });
    expect(addressFrom({ PORT: '', HOST: '' })).toEqual({ port: 9090, host: '127.0.0.1' });
    expect(addressFrom({ PORT: '81', HOST: '0.0.0.0' })).toEqual({ port: 81, host: '0.0.0.0' });
  });

  test.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['shop.example', false],
  ])('%s is of this machine only: %s', (host, expected) => {
    expect(isOfThisMachine({ host, port: 9090 })).toBe(expected);
  });

  test.each(['-1', '65536', '1.5', 'abc', '9090x'])('is refused when PORT is %s', (PORT) => {
    expect(() => addressFrom({ PORT })).toThrow(`PORT is "${PORT}"`);
  });

  test.each([
    ['127.0.0.1', 'http://localhost:9090'],
    ['::', 'http://localhost:9090'],
    ['fe80::1', 'http://[fe80::1]:9090'],
    ['shop.example', 'http://shop.example:9090'],
  ])('%s is written as %s', (host, url) => {
    expect(urlOf({ host, port: 9090 })).toBe(url);
  });
});

test('the table of endpoints fits a terminal', () => {
  const inspectorUrl = `http://127.0.0.1:9090/__inspector/?token=${'x'.repeat(32)}`;
  const lines = endpointTable('http://localhost:9090', inspectorUrl).split('\n');
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
});

test('the table says why there is no inspector at an address that other machines reach', () => {
  expect(endpointTable('http://shop.example:9090', undefined)).toContain('There is no inspector, because');
});
