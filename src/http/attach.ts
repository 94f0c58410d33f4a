/**
 * Serves WebSocket on an application's own HTTP server.
 *
 * The application keeps its requests: only those on the base path of a service
 * with an `http` listener go to that service. Upgrades at the path of a service
 * are taken; others are left to the application when it listens for upgrades
 * itself, and refused when nobody else would answer them.
 *
 * Requests are seen before the application's listeners, whenever those were
 * added, because `emit` is where all of them come by; taking listeners off and
 * calling them ourselves would miss the ones that come later. Several Troupes
 * may share a server: there is one attachment a server, and it asks each.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { isOtherUpgrade } from './handshake.ts';
import { ignoreUpgrade } from './ignored-upgrade.ts';
import { answerForService, answerNobody, type PlainDesk } from './plain.ts';
import { handleUpgrade, pathOf, type UpgradeDesk } from './upgrade.ts';

type Desk = UpgradeDesk & PlainDesk;

const attachments = new WeakMap<Server | SecureServer, Attachment>();

/** Attaches to `server`; returns what detaches again. */
export function attachTo(server: Server | SecureServer, desk: Desk): () => void {
  let attachment = attachments.get(server);
  if (attachment === undefined) attachments.set(server, (attachment = new Attachment(server)));
  return attachment.add(desk);
}

class Attachment {
  readonly #server: Server | SecureServer;
  readonly #emit: Server['emit'];
  /** Set when another program put a method of its own there before. */
  readonly #ownEmit: Server['emit'] | undefined;
  #installed: Server['emit'] | undefined;
  /** A desk for each time that something was attached. */
  readonly #desks = new Map<symbol, Desk>();

  constructor(server: Server | SecureServer) {
    this.#server = server;
    this.#emit = server.emit.bind(server) as Server['emit'];
    this.#ownEmit = Object.hasOwn(server, 'emit') ? server.emit : undefined;
  }

  add(desk: Desk): () => void {
    const key = Symbol();
    this.#desks.set(key, desk);
    if (this.#desks.size === 1) this.#begin();
    return () => {
      if (this.#desks.delete(key) && this.#desks.size === 0) this.#end();
    };
  }

  #begin(): void {
    this.#server.on('upgrade', this.#onUpgrade);
    this.#installed = ((event: string, ...args: unknown[]) => {
      if (event === 'request' && this.#takes(args[0] as IncomingMessage, args[1] as ServerResponse)) return true;
      if (event === 'upgrade' && this.#takesUpgrade(args[0] as IncomingMessage, args[1] as Duplex, args[2] as Buffer)) {
        return true;
      }
      return (this.#emit as (event: string, ...args: unknown[]) => boolean)(event, ...args);
    }) as Server['emit'];
    this.#server.emit = this.#installed;
  }

  #end(): void {
    this.#server.off('upgrade', this.#onUpgrade);
    attachments.delete(this.#server);
    // Another program may have put its own method on top; ours then only passes on.
    if (this.#server.emit !== this.#installed) return;
    if (this.#ownEmit === undefined) Reflect.deleteProperty(this.#server, 'emit');
    else this.#server.emit = this.#ownEmit;
  }

  #takes(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#desks.size === 0) return false;
    for (const desk of this.#desks.values()) if (answerForService(desk, request, response)) return true;
    if (this.#server.listenerCount('request') > 0) return false;
    const path = pathOf(request.url ?? '/');
    const desks = [...this.#desks.values()];
    answerNobody(desks.find((desk) => desk.isUpgradePath(path)) ?? desks[0]!, request, response);
    return true;
  }

  /** An upgrade of ours must not reach the listeners of others: some refuse every path but their own. */
  #takesUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): boolean {
    const path = pathOf(request.url ?? '/');
    const desks = [...this.#desks.values()];
    const isAlone = this.#server.listenerCount('upgrade') === 1;
    const desk = desks.find((one) => one.find(path) !== undefined) ?? (isAlone ? desks[0] : undefined);
    if (desk === undefined) return false;
    if (isOtherUpgrade(request)) {
      if (!isAlone) return false;
      ignoreUpgrade(this.#server, request, stream, head);
    } else {
      handleUpgrade(desk, request, stream, head);
    }
    return true;
  }

  /** Node hands over upgrades only while somebody listens for them; they are taken in `emit`. */
  readonly #onUpgrade = (): void => {};
}
