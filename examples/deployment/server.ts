/**
 * A server as it is deployed: it says whether it lives and whether it wants connections, and leaves at SIGTERM with
 * its connections told to come back, elsewhere.
 *
 * Node.js 22.18 and later run this file as it is: `node server.ts`. All that it is told comes from the environment.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { createTroupe, defineService } from 'troupe';

const { env } = process;
const port = Number(env['PORT'] ?? 9091);
const host = env['HOST'] ?? '127.0.0.1';
const heartbeatIntervalMs = Number(env['HEARTBEAT_INTERVAL_MS'] ?? 30_000);
const drainTimeoutMs = Number(env['DRAIN_TIMEOUT_MS'] ?? 20_000);
/** A balancer that asks `/readyz` now and then needs so long to notice; nginx here needs none. */
const leaveAfterMs = Number(env['LEAVE_AFTER_MS'] ?? 0);
const token = env['INSPECTOR_TOKEN'];

let isReady = false;
let handled = 0;

const echo = defineService({
  basePath: '/echo',
  onTextMessage(connection, text) {
    handled += 1;
    connection.pushText(text);
  },
});

const troupe = createTroupe({
  services: [echo],
  limits: { heartbeatIntervalMs },
  // nginx on this machine says who its clients are.
  trustProxy: ['127.0.0.1'],
  inspector: token === undefined ? false : { token },
  http: answerHealth,
});

/** That it answers at all shows that it lives. */
function answerHealth({ url }: IncomingMessage, response: ServerResponse): void {
  if (url === '/healthz') answer(response, 200, 'alive');
  else if (url === '/readyz') answer(response, isReady ? 200 : 503, isReady ? 'ready' : 'not ready');
  else answer(response, 404, 'there is nothing at this path');
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end(`${text}\n`);
}

async function leave(): Promise<void> {
  isReady = false;
  await pause(leaveAfterMs);
  await troupe.close({ restarting: true, drain: { timeoutMs: drainTimeoutMs } });
  console.log(`Closed after ${handled} messages`);
}

// Each is heard once: a second signal ends the process at once.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void leave());
// Its address has the token in it, which is nothing for a log.
troupe.on('inspector.listening', () => {});
const { url } = await troupe.listen({ port, host });
isReady = true;
console.log(`Listening on ${url}`);
