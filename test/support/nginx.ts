import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { commandsOf, runCommands, temporaryFolder } from './guide.ts';
import { run, type Program } from './program.ts';

const example = readFileSync(new URL('../../examples/deployment/nginx.conf', import.meta.url), 'utf8');

/**
 * A port that nobody has, for programs that cannot take one themselves and say which, or that come back to theirs.
 * Below those that the system gives to whoever asks for any: it stays free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_240, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

interface Setting {
  port: number;
  backends: readonly [number, number];
  folder: string;
  readTimeout: string;
}

/** The configuration of the example at other addresses. Each line that is changed has to be there. */
function configuration({ port, backends, folder, readTimeout }: Setting): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const changes: readonly (readonly [string, string])[] = [
    ['user www-data;', process.getuid?.() === 0 ? 'user www-data;' : ''],
    ['worker_processes auto;', 'worker_processes 2;'],
    ['worker_rlimit_nofile 65536;', ''],
    ['worker_connections 32768;', 'worker_connections 256;'],
    ['pid /run/nginx.pid;', `pid ${folder}/nginx.pid;`],
    // At `notice` it tells when it listens.
    ['error_log /var/log/nginx/error.log warn;', 'error_log stderr notice;'],
    ['access_log /var/log/nginx/access.log;', kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')],
    ['listen 443 ssl;', `access_log ${folder}/access.log; listen 127.0.0.1:${port} ssl;`],
    ['/etc/nginx/tls/server.pem', `${folder}/server.pem`],
    ['/etc/nginx/tls/server.key', `${folder}/server.key`],
    ['server 127.0.0.1:9091 max_fails=0;', `server 127.0.0.1:${backends[0]} max_fails=0;`],
    ['server 127.0.0.1:9092 max_fails=0;', `server 127.0.0.1:${backends[1]} max_fails=0;`],
    ['proxy_read_timeout 75s;', `proxy_read_timeout ${readTimeout};`],
  ];
  let text = example;
  for (const [line, other] of changes) {
    if (!text.includes(line)) throw new Error(`the nginx.conf of the example has no "${line}"`);
    text = text.replace(line, other);
  }
  return text;
}

export interface Proxy {
  /** `wss://127.0.0.1:port` + path. */
  url(path: string): string;
  http(path: string): string;
  /** The authority of its certificate. */
  readonly ca: string;
  readonly program: Program;
}

/** nginx with the configuration of the example, as a child process in front of two ports of this machine. */
export async function startNginx(backends: readonly [number, number], readTimeout = '75s'): Promise<Proxy> {
  const { folder, remove } = temporaryFolder();
  onTestFinished(remove);
  runCommands(commandsOf('certificates'), folder);
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration({ port, backends, folder, readTimeout }));
  const program = run('nginx', ['-p', folder, '-e', 'stderr', '-c', file, '-g', 'daemon off;'], {
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  await program.printed('start worker process ');
  return {
    url: (path) => `wss://127.0.0.1:${port}${path}`,
    http: (path) => `https://127.0.0.1:${port}${path}`,
    ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    program,
  };
}
