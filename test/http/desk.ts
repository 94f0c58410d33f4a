import type { Duplex } from 'node:stream';
import { acceptFor } from '../support/raw.ts';
import { Inbox } from '../support/inbox.ts';
import type { PlainDesk } from '../../src/http/plain.ts';
import type { Refusal } from '../../src/http/refusal.ts';
import type { CheckedUpgrade, UpgradeDesk, UpgradeTarget } from '../../src/http/upgrade.ts';

/** Stands for the services of a Troupe: routes, and what they were handed. */
export interface TestDesk extends UpgradeDesk, PlainDesk {
  readonly accepted: Inbox<CheckedUpgrade>;
  readonly refusals: Inbox<Refusal & { path: string; remoteAddress: string }>;
  readonly failures: Inbox<unknown>;
}

export function createDesk(
  targets: Readonly<Record<string, Partial<UpgradeTarget>>> = {},
  fields: Partial<UpgradeDesk & PlainDesk> = {},
): TestDesk {
  const accepted = new Inbox<CheckedUpgrade>();
  const refusals: TestDesk['refusals'] = new Inbox();
  const failures = new Inbox<unknown>();
  const find = (path: string): UpgradeTarget | undefined => {
    const target = targets[path];
    return (
      target && {
        subprotocols: [],
        isSubprotocolRequired: false,
        allowedOrigins: undefined,
        isAccepting: true,
        hasRoomFor: () => true,
        accept(upgrade) {
          switchProtocols(upgrade.stream);
          accepted.push(upgrade);
        },
        ...target,
      }
    );
  };
  return {
    isAccepting: true,
    addressOf: ({ socket }) => socket.remoteAddress ?? '',
    find: (path) => {
      const value = find(path);
      return value && { value, params: {} };
    },
    refused: (refusal, path, remoteAddress) => refusals.push({ ...refusal, path, remoteAddress }),
    findHttp: () => undefined,
    isUpgradePath: (path) => find(path) !== undefined,
    listenerFailed: (error) => failures.push(error),
    abandoned: () => undefined,
    acceptFailed: (error) => failures.push(error),
    ...fields,
    accepted,
    refusals,
    failures,
  };
}

/** Answers 101 to the sample key and ends when the other end does. */
function switchProtocols(stream: Duplex): void {
  stream.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor()}\r\n\r\n`,
  );
  stream.on('error', () => undefined);
  stream.on('end', () => stream.end());
  stream.resume();
}
