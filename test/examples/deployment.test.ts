import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect, refused } from '../support/client.ts';
import { commandsOf, has, runCommands, temporaryFolder } from '../support/guide.ts';
import { freePort } from '../support/nginx.ts';
import { run, runTypeScript } from '../support/program.ts';

const root = new URL('../..', import.meta.url).pathname;
const example = (file: string): string => readFileSync(join(root, 'examples/deployment', file), 'utf8');

async function startServer(env: Record<string, string> = {}) {
  const program = runTypeScript('examples/deployment/server.ts', { env: { PORT: '0', ...env } });
  const url = /http:\S+/.exec(await program.printed('Listening'))?.[0] ?? 'no address';
  const statusOf = async (path: string): Promise<number> => (await fetch(`${url}${path}`)).status;
  return { program, url, statusOf, echo: `${url.replace('http', 'ws')}/echo` };
}

describe('the server', () => {
  test('says that it lives and that it wants connections', async () => {
    const { url, statusOf } = await startServer();

    expect([await statusOf('/healthz'), await statusOf('/readyz'), await statusOf('/')]).toEqual([200, 200, 404]);
    const { port } = new URL(url);
    const answers = runCommands(commandsOf('health').replaceAll('9091', port), root);
    expect(answers).toBe('alive\nready\n');
  });

  test('says at SIGTERM that it wants no more, before it closes anything', async () => {
    const { program, statusOf, echo } = await startServer({ LEAVE_AFTER_MS: '2000' });
    const client = await connect(echo);
    const order: string[] = [];
    const closed = client.closed.then(({ code }) => order.push(`closed ${code}`));

    program.child.kill('SIGTERM');
    while ((await statusOf('/readyz')) === 200);
    order.push('not ready');
    // It is not yet refused what it did not hear of.
    expect(await statusOf('/healthz')).toBe(200);
    client.send('still here');
    expect(await client.next()).toBe('still here');

    await closed;
    expect(order).toEqual(['not ready', 'closed 1012']);
    expect(await program.ended).toMatchObject({ code: 0, errors: '' });
  });

  test('answers what has arrived, closes with 1012, refuses others meanwhile, and ends', async () => {
    const { program, statusOf, echo } = await startServer({ DRAIN_TIMEOUT_MS: '5000' });
    const client = await connect(echo);
    const slow = await connect(echo);
    // It keeps the server from ending, as it does not answer the close frame.
    slow.socket.pause();
    for (let index = 0; index < 100; index += 1) client.send(`${index}`);
    await client.ping();

    program.child.kill('SIGTERM');

    expect((await client.closed).code).toBe(1012);
    expect(await client.untilClosed()).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`));
    expect(await refused(echo)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect([await statusOf('/healthz'), await statusOf('/readyz')]).toEqual([200, 503]);
    slow.socket.resume();
    expect((await slow.closed).code).toBe(1012);
    const { code, output } = await program.ended;
    expect([code, output]).toEqual([0, expect.stringContaining('Closed after 100 messages')]);
  });

  test('ends at once at a second signal', async () => {
    const { program, statusOf, echo } = await startServer({ DRAIN_TIMEOUT_MS: '60000' });
    const slow = await connect(echo);
    slow.socket.pause();
    program.child.kill('SIGTERM');
    while ((await statusOf('/readyz')) === 200);

    program.child.kill('SIGTERM');

    expect((await program.ended).code).toBe(null);
    expect(program.child.signalCode).toBe('SIGTERM');
  });
});

test.skipIf(process.platform !== 'linux')('the limits that the guide asks for are told by its commands', () => {
  expect(runCommands(commandsOf('limits'), root).split('\n')).toHaveLength(5);
});

test.skipIf(process.platform !== 'linux')('Node.js raises the limit of open files to the hard one by itself', () => {
  const program = 'process.stdout.write(fs.readFileSync("/proc/self/limits", "utf8"))';
  const limits = runCommands(`ulimit -Sn 256; ulimit -Hn 1024; '${process.execPath}' -e '${program}'`, root);
  expect(limits).toMatch(/^Max open files +1024 +1024 /m);
});

describe.skipIf(!has('nginx') || !has('openssl'))('the configuration of nginx', () => {
  test('is checked by the command of the guide', () => {
    const { folder, remove } = temporaryFolder();
    onTestFinished(remove);
    runCommands(commandsOf('certificates'), folder);
    const text = example('nginx.conf').replaceAll('/etc/nginx/tls', folder).replaceAll('/var/log/nginx', folder);
    writeFileSync(join(folder, 'nginx.conf'), text.replace('/run/nginx.pid', `${folder}/nginx.pid`));

    expect(() => runCommands(`PATH=$PATH:/usr/sbin\n${commandsOf('nginx')}`, folder)).not.toThrow();
  });
});

describe('the unit of systemd', () => {
  const unit = example('troupe@.service');
  const secondsOf = (name: string): number => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(unit)?.[1]);

  test('gives the drain longer than it takes', () => {
    expect(secondsOf('TimeoutStopSec')).toBeGreaterThan(secondsOf('Environment=DRAIN_TIMEOUT_MS') / 1000 + 2);
  });

  test.skipIf(!has('systemd-analyze'))('is verified, and found to be exposed little', () => {
    const { folder, remove } = temporaryFolder();
    onTestFinished(remove);
    // Node.js may lie elsewhere on the machine that tests.
    writeFileSync(join(folder, 'troupe@.service'), unit.replace('/usr/bin/node', process.execPath));

    expect(runCommands(commandsOf('unit'), folder)).toContain('Overall exposure level for troupe@');
  });
});

describe('the Dockerfile', () => {
  const lines = example('Dockerfile').replaceAll('\\\n', ' ').split('\n');
  const instructions = (name: string): string[] =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const exec = (text = ''): string[] => JSON.parse(text.replace(/^[^[]*/, '')) as string[];

  /** Troupe as a package of sources, which needs no build. */
  function packSources(folder: string): string {
    const source = join(folder, 'source');
    mkdirSync(source);
    for (const part of ['src', 'machines', 'package.json'])
      cpSync(join(root, part), join(source, part), { recursive: true });
    return runCommands('npm pack --silent --ignore-scripts --pack-destination ..', source).trim();
  }

  let folder = '';
  beforeAll(() => {
    const temporary = temporaryFolder();
    folder = temporary.folder;
    const context = join(folder, 'context');
    mkdirSync(context);
    const dependencies = { troupe: `file:../${packSources(folder)}` };
    writeFileSync(join(context, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
    writeFileSync(join(context, 'server.ts'), example('server.ts'));
    runCommands('npm install --package-lock-only --prefer-offline --no-audit --no-fund', context);
    return temporary.remove;
  }, 60_000);

  test(
    'has steps that make an image of an empty folder, whose program answers and stops',
    { timeout: 60_000 },
    async () => {
      const app = join(folder, 'app');
      mkdirSync(app);
      for (const line of lines) {
        const [instruction, ...words] = line.split(' ');
        if (instruction === 'COPY')
          for (const file of words.slice(0, -1)) cpSync(join(folder, 'context', file), join(app, file));
        if (instruction === 'RUN') runCommands(`${words.join(' ')} --prefer-offline --no-audit --no-fund`, app);
      }
      // Node.js 20 does not take types away itself.
      const loading = `--conditions=troupe-source --import=${import.meta.resolve('tsx')}`;
      const port = String(await freePort());
      const env = { NODE_ENV: 'production', PORT: port, HOST: '127.0.0.1', NODE_OPTIONS: loading };
      const [, ...parameters] = exec(instructions('CMD')[0]);
      const [, ...question] = exec(instructions('HEALTHCHECK')[0]);
      expect((await run(process.execPath, question, { cwd: app, env: { PORT: port } }).ended).code).toBe(1);

      const program = run(process.execPath, parameters, { cwd: app, env });
      await program.printed('Listening');

      expect((await run(process.execPath, question, { cwd: app, env: { PORT: port } }).ended).code).toBe(0);
      const client = await connect(`ws://127.0.0.1:${port}/echo`);
      program.child.kill(instructions('STOPSIGNAL')[0] as NodeJS.Signals);
      expect((await client.closed).code).toBe(1012);
      expect((await program.ended).code).toBe(0);
    },
  );

  test('runs Node.js itself, and not as root', () => {
    expect(exec(instructions('CMD')[0])[0]).toBe('node');
    expect(instructions('USER')).toEqual(['node']);
  });
});
