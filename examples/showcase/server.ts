/**
 * All examples on one port: what `npm start` runs.
 *
 * PORT and HOST choose another address; the default is http://localhost:9090,
 * reachable from this machine only. The inspector is there only then.
 */
import { closeOnSignals, createTroupe, TroupeError, type Troupe } from 'troupe';
import type { InspectionEvent, SnapshotFrom } from 'xstate';
import { chatMachine } from '../chat/machine.ts';
import { isMain } from '../main.ts';
import { chat } from '../chat/service.ts';
import { HelloWorld } from '../hello/service.ts';
import { orderRoutes } from '../orders/http.ts';
import { orders } from '../orders/service.ts';
import { createFeed } from './feed.ts';
import { addressFrom, isOfThisMachine, urlOf, type Address } from './settings.ts';
import { createSite } from './site.ts';
import { endpointTable } from './table.ts';

export async function start(address: Address): Promise<{ troupe: Troupe; url: string }> {
  const feed = createFeed();
  const troupe: Troupe = createTroupe({
    services: [HelloWorld, chat, orders, feed.service],
    // It shows what is said, lets whoever looks close connections, and asks programs of this machine for no token, so
    // that the page can link to it: right for a demonstration that nobody reaches from elsewhere, and for nothing else.
    inspector: isOfThisMachine(address) && { redact: false, allowActions: true, loopback: true },
    http: (request, response) => site(request, response),
    inspect: (event: InspectionEvent) => {
      if (event.type !== '@xstate.snapshot' || !isOfChat(event.snapshot)) return;
      const { context, value, status } = event.snapshot;
      feed.behaves(context.id, value, status !== 'active');
    },
  });
  const site = createSite(orderRoutes(troupe));
  feed.follow(troupe, ['/test/websocket', '/chat/{room}', '/orders/updates']);
  // The table has it; without somebody who hears of it, it would be written to standard error.
  troupe.on('inspector.listening', () => {});
  const { port } = await troupe.listen(address);
  return { troupe, url: urlOf({ host: address.host, port }) };
}

/** Of all the actors, these are the machines that a person sees on the page. */
function isOfChat(snapshot: object): snapshot is SnapshotFrom<typeof chatMachine> {
  const { machine } = snapshot as { machine?: { id: string } };
  return machine?.id === chatMachine.id;
}

async function main(): Promise<void> {
  const { troupe, url } = await start(addressFrom(process.env));
  closeOnSignals(troupe, { drain: { timeoutMs: 5_000 } });
  console.log(endpointTable(url, troupe.inspector?.url));
}

/** What the person at the terminal can do about it, without a stack. */
function explain(error: unknown): string {
  if (error instanceof TroupeError && error.code === 'TROUPE_ADDRESS_IN_USE') {
    const { host, port } = error.fields as { host: string; port: number };
    return `Port ${port} on ${host} is in use by another program. Choose another one: PORT=9091 npm start`;
  }
  return error instanceof Error ? error.message : String(error);
}

if (isMain(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    console.error(explain(error));
    process.exitCode = 1;
  }
}
