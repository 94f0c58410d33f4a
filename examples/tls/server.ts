/**
 * Mutual TLS: a service for programs that show a certificate of our own authority, and a server that takes new
 * certificates at SIGHUP while its connections go on.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { createTroupe, type Clock, type Troupe } from 'troupe';
import { isMain } from '../main.ts';
import { sensors } from './service.ts';

export interface Running {
  server: Server;
  troupe: Troupe;
  url: string;
  /** Takes the certificates that lie there now. Rejects for such as do not work, and goes on with those before. */
  renew: () => Promise<void>;
  close: () => Promise<void>;
}

async function certificatesOf(folder: string): Promise<SecureContextOptions> {
  const [key, cert, ca] = await Promise.all(
    ['server.key', 'server.pem', 'ca.pem'].map((name) => readFile(join(folder, name))),
  );
  return { key, cert, ca };
}

export async function start(options: { folder: string; port: number; host: string; clock?: Clock }): Promise<Running> {
  const { folder, port, host, clock } = options;
  const server = createServer({ ...(await certificatesOf(folder)), requestCert: true, rejectUnauthorized: true });
  const troupe = createTroupe({ services: [sensors], ...(clock !== undefined && { clock }) });
  troupe.attach(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    server,
    troupe,
    url: `wss://${host}:${(server.address() as AddressInfo).port}`,
    renew: async () => server.setSecureContext(await certificatesOf(folder)),
    async close() {
      await troupe.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (isMain(import.meta.url)) {
  const folder = process.env['CERTIFICATES'] ?? '.';
  const running = await start({ folder, port: Number(process.env['PORT'] ?? 9443), host: '127.0.0.1' });
  process.on('SIGHUP', () => {
    running.renew().then(
      () => console.log('The certificates were renewed'),
      (error: unknown) => console.error('The certificates stay as they are:', error),
    );
  });
  process.once('SIGTERM', () => void running.close());
  console.log(`Listening on ${running.url}/sensors`);
}
