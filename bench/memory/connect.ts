/** Connects clients to a server in the same process, without the kernel. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connect } from '../crowd/link.ts';
import { MemoryStream, upgradeRequest } from './stream.ts';

export type HandleUpgrade = (request: IncomingMessage, stream: Duplex, head: Uint8Array) => void;

const NOTHING = Buffer.alloc(0);

/**
 * What clients write within a turn of the event loop arrives in the next one, in
 * the order in which it was written: as from sockets that are found readable
 * together.
 */
export function memoryConnect(handleUpgrade: HandleUpgrade): Connect {
  let waiting: (() => void)[] = [];
  const deliverAll = (): void => {
    const deliveries = waiting;
    waiting = [];
    for (const deliver of deliveries) deliver();
  };
  const later = (deliver: () => void): void => {
    if (waiting.push(deliver) === 1) setImmediate(deliverAll);
  };

  return (_index, path, client) => {
    const stream = new MemoryStream(client);
    later(() => handleUpgrade(upgradeRequest(stream, path), stream, NOTHING));
    return {
      write: (bytes) => later(() => stream.deliver(bytes)),
      end: () => later(() => stream.deliverEnd()),
      destroy: () => stream.destroy(),
      stall: () => stream.stallFarEnd(),
      resume: () => stream.resumeFarEnd(),
    };
  };
}
