/** A server with a name for each connection and a group for every ten: what a registry has to bear. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createMachineCrowd, createHandlerCrowd } from './troupe.ts';
import { createWsCrowd } from './ws.ts';

export interface Crowd {
  readonly isEmpty: boolean;
  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Uint8Array): void;
  push(name: string, text: string): void;
  pushToGroup(group: string, text: string): void;
  broadcast(text: string): void;
}

/** The servers that a crowd can be had of. */
export const crowdNames = ['ws', 'troupe-handlers', 'troupe-machine'] as const;
export type CrowdName = (typeof crowdNames)[number];

export function createCrowd(name: CrowdName): Crowd {
  switch (name) {
    case 'ws':
      return createWsCrowd();
    case 'troupe-handlers':
      return createHandlerCrowd();
    case 'troupe-machine':
      return createMachineCrowd();
  }
}
