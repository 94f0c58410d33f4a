/** A server that writes structured logs through pino: one JSON object a line. */
import { pino, type Logger } from 'pino';
import { closeOnSignals, createTroupe, type Troupe } from 'troupe';
import { chat } from '../chat/service.ts';
import { HelloWorld } from '../hello/service.ts';
import { isMain } from '../main.ts';
import { logTo } from './logs.ts';

export async function start({ port, logger }: { port: number; logger: Logger }): Promise<{
  troupe: Troupe;
  url: string;
}> {
  const troupe = createTroupe({ services: [HelloWorld, chat] });
  logTo(logger, troupe);
  const { webSocketUrl } = await troupe.listen({ port, host: '127.0.0.1' });
  return { troupe, url: webSocketUrl };
}

if (isMain(import.meta.url)) {
  const { troupe } = await start({ port: Number(process.env['PORT'] ?? 9090), logger: pino() });
  closeOnSignals(troupe);
}
