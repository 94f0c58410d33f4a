import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Health } from 'troupe';
import { runCommand } from '../../src/cli/command.ts';
import { start } from '../../src/cli/start.ts';
import { connect, type Client } from '../support/client.ts';
import { launch, type Program } from '../support/program.ts';
import { isMissing, startRedis, type Engine } from '../support/redis-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const room = `import { defineService } from 'troupe';
const room = defineService({
  basePath: '/room',
  async onOpen(connection) {
    const { status } = await connection.addConnectionToGroup('all');
    connection.pushText(process.pid + ' ' + status);
  },
  onTextMessage: (connection, text) =>
    text === 'wait for ever' ? new Promise(() => {}) : connection.pushTextToGroup('all', text),
});
`;
const modules = {
  'room.mjs': `${room}export { room };`,
  'options.mjs': `${room}export default async () => ({
  services: [room],
  http: (request, response) => response.end('the page'),
});
setInterval(() => {}, 60_000);`,
  'broken.mjs': "throw new Error('out of order');",
  'number.mjs': 'export default () => 5;',
};

let folder = '';
const programs: Program[] = [];

// A project with the package in it, built once: from source, each of the many processes would take a second to start.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-start-'));
  const installed = join(folder, 'node_modules');
  const itself = join(installed, 'troupe');
  mkdirSync(itself, { recursive: true });
  for (const name of ['@redis', 'nanoid', 'rou3', 'ws', 'xstate']) {
    symlinkSync(join(root, 'node_modules', name), join(installed, name));
  }
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts', 'src/index.ts', 'src/redis.ts', 'src/nats.ts'],
    outdir: itself,
    outbase: 'src',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  const parts = { './redis': './redis.js', './nats': './nats.js', './package.json': './package.json' };
  const exports = { '.': './index.js', ...parts };
  const manifest = { name: 'troupe', version: '0.0.0', type: 'module', exports };
  writeFileSync(join(itself, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
});
afterAll(async () => {
  for (const { child } of programs) child.kill('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the program as a process of its own, on a free port. */
function troupe(...args: string[]): Program {
  const parameters = [join(folder, 'node_modules/troupe/cli/main.js'), 'start', ...args, '--port', '0'];
  const program = launch(process.execPath, parameters, { cwd: folder });
  programs.push(program);
  return program;
}

async function addressOf(program: Program): Promise<string> {
  return /ws:\/\/(\S+)/.exec(await program.printed('Listens on'))?.[1] ?? 'no address';
}

/** A client and the process that it came to. */
async function enter(address: string): Promise<{ client: Client; pid: number; status: string }> {
  const client = await connect(`ws://${address}/room`);
  const [pid, status] = String(await client.next()).split(' ');
  return { client, pid: Number(pid), status: String(status) };
}

describe('troupe start', () => {
  it('serves a module in one process, with its health, and closes everything at SIGTERM', async () => {
    const program = troupe('options.mjs', '--health', '/health', '--drain', '2000');
    const address = await addressOf(program);
    const { client, pid } = await enter(address);
    expect(pid).toBe(program.child.pid);

    const answer = await fetch(`http://${address}/health?full`);
    expect(answer.status).toBe(200);
    const { isReady, services } = (await answer.json()) as Health;
    expect({ isReady, services }).toEqual({
      isReady: true,
      services: [{ name: '/room', state: 'running', connections: 1 }],
    });
    const page = await fetch(`http://${address}/`);
    expect(await page.text()).toBe('the page');

    program.child.kill('SIGTERM');
    expect((await client.closed).code).toBe(1001);
    // The timer that the module left does not keep it.
    expect((await program.ended).code).toBe(0);
  }, 20_000);

  it.each<[string, string[], string]>([
    ['no module', [], 'Name one module.'],
    ['a port that is none', ['room.mjs', '--port', '70000'], '"70000" is no port.'],
    ['no worker', ['room.mjs', '--workers', '0'], 'There has to be a worker.'],
    ['half a worker', ['room.mjs', '--workers', '1.5'], '"1.5" is no number of workers.'],
    ['a drain without a number', ['room.mjs', '--drain', 'soon'], '"soon" is no time in ms.'],
    ['two engines', ['room.mjs', '--redis', 'redis://a', '--nats', 'b'], 'Choose one of --redis and --nats.'],
    ['a health that is no path', ['room.mjs', '--health', 'health'], '"health" is no path.'],
    ['one inspector of several processes', ['room.mjs', '--workers', '2', '--inspector'], '--inspector shows one'],
    ['an address that is none', ['room.mjs', '--redis', 'localhost'], 'redis://127.0.0.1:6379'],
    ['a client that is not installed', ['room.mjs', '--nats', 'a'], 'npm install @nats-io/transport-node @nats-io/kv'],
    ['a default export of something else', ['number.mjs'], 'returns 5'],
  ])('says what is wrong: %s', async (_what, args, words) => {
    let [stdout, stderr] = ['', ''];
    const code = await runCommand({ start }, '0', ['start', ...args], {
      folder,
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      exit: () => undefined,
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
  });

  it('documents every option that it has', () => {
    const page = readFileSync(join(root, 'docs/command-line.md'), 'utf8');
    for (const [option] of start.usage.matchAll(/--[a-z-]+/g)) expect(page).toContain(`\`${option}`);
  });

  it('needs a backplane for several workers, and ends when the first of them cannot start', async () => {
    const [alone, broken] = [troupe('room.mjs', '--workers', '2'), troupe('broken.mjs', '--workers', '1')];
    const refused = await alone.ended;
    expect(refused).toMatchObject({ code: 2, output: '' });
    expect(refused.errors).toContain('--redis redis://127.0.0.1:6379');
    const failed = await broken.ended;
    expect(failed).toMatchObject({ code: 1, output: '' });
    expect(failed.errors.match(/out of order/g)).toHaveLength(1);
  }, 20_000);

  it('needs none for one worker, and kills it at the second signal', async () => {
    const program = troupe('room.mjs', '--workers', '1');
    const address = await addressOf(program);
    const [stuck, idle] = [await enter(address), await enter(address)];
    expect(stuck.pid).toBe(idle.pid);
    stuck.client.send('wait for ever');
    program.child.kill('SIGTERM');
    // The signal has been heard.
    expect((await idle.client.closed).code).toBe(1001);
    program.child.kill('SIGTERM');
    expect((await stuck.client.closed).code).toBe(1006);
    await program.ended;
    expect(program.child.signalCode).toBe('SIGTERM');
  }, 20_000);
});

describe.skipIf(isMissing('redis-server'))('troupe start --workers', () => {
  let engine: Engine;
  let program: Program;
  let address = '';
  beforeAll(async () => {
    engine = await startRedis();
    program = troupe('room.mjs', '--workers', '2', '--redis', engine.url);
    address = await addressOf(program);
  }, 20_000);
  afterAll(() => engine.stop());

  /** Clients of two processes that hear each other. Connections go round, so a few attempts are enough. */
  async function enterBoth() {
    const found = new Map<number, Client>();
    for (let attempt = 0; attempt < 50 && found.size < 2; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after another, so that they go round
      const { client, pid, status } = await enter(address);
      if (status === 'ok') found.set(pid, client);
    }
    const [one, two] = [...found];
    if (one === undefined || two === undefined) throw new Error('all clients came to one process');
    return [
      { pid: one[0], client: one[1] },
      { pid: two[0], client: two[1] },
    ] as const;
  }

  it('takes what a client of one worker sends to those of another', async () => {
    const [one, two] = await enterBoth();
    one.client.send('hello');
    expect(await two.client.next()).toBe('hello');
  }, 10_000);

  it('replaces a worker that dies, while the other goes on', async () => {
    const [one, two] = await enterBoth();
    process.kill(one.pid, 'SIGKILL');
    expect((await one.client.closed).code).toBe(1006);
    await program.printed(`Worker ${one.pid} ended (SIGKILL); another one is started in 100 ms.`);
    let pid = two.pid;
    while (pid === two.pid) {
      const entered = await enter(address);
      pid = entered.pid;
      await entered.client.close();
    }
    expect(pid).not.toBe(one.pid);
    two.client.send('still here');
    expect(await two.client.next()).toBe('still here');
  }, 10_000);

  it('starts all workers anew at SIGHUP, and closes their connections with 1012', async () => {
    const both = await enterBoth();
    program.child.kill('SIGHUP');
    const closures = await Promise.all(both.map(({ client }) => client.closed));
    expect(closures.map(({ code }) => code)).toEqual([1012, 1012]);
    const fresh = await enterBoth();
    for (const { pid } of fresh) expect(both.map((old) => old.pid)).not.toContain(pid);
  }, 10_000);

  it('closes the connections of all workers with 1001 at SIGTERM, and ends with 0', async () => {
    const both = await enterBoth();
    program.child.kill('SIGTERM');
    const closures = await Promise.all(both.map(({ client }) => client.closed));
    expect(closures.map(({ code }) => code)).toEqual([1001, 1001]);
    expect((await program.ended).code).toBe(0);
    // Nobody is left.
    for (const { pid } of both) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 10_000);
});
