/** Between one node and the engine, so that one of them can be cut off from the other. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** What has not come through yet, and to whom it goes. */
  readonly held: (readonly [to: Socket, data: Buffer])[];
  isOver: boolean;
}

/**
 * - `pass`: as if it were not there
 * - `blackhole`: nothing comes through and nobody is told. What is still wanted when it passes again arrives then; what
 *   belongs to a connection that was given up meanwhile arrives when it is let through, as networks do it, or never.
 */
type Mode = 'pass' | 'blackhole';

export class Proxy {
  readonly port: number;
  /** How many bytes went to the node. */
  received = 0;
  readonly #server: Server;
  readonly #enginePort: number;
  readonly #pairs = new Set<Pair>();
  #mode: Mode = 'pass';

  private constructor(server: Server, enginePort: number) {
    this.#server = server;
    this.#enginePort = enginePort;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near) => this.#accept(near));
  }

  static async to(enginePort: number): Promise<Proxy> {
    // A side that ends is not followed by the other while nothing may come through.
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, enginePort);
  }

  blackhole(): void {
    this.#mode = 'blackhole';
  }

  heal(): void {
    this.#mode = 'pass';
    for (const pair of this.#pairs) if (!pair.isOver) this.#letThrough(pair);
  }

  /** What connections had sent that were given up meanwhile comes through as well, and then their end. */
  letLateThrough(): void {
    for (const pair of this.#pairs) {
      if (!pair.isOver) continue;
      this.#letThrough(pair);
      pair.near.destroy();
      pair.far.end();
    }
  }

  /** Ends the connections that there are. */
  cut(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(near: Socket): void {
    const far = connect({ port: this.#enginePort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const pair: Pair = { near, far, held: [], isOver: false };
    this.#pairs.add(pair);
    far.on('data', (data) => (this.received += data.length));
    this.#carry(near, far, pair);
    this.#carry(far, near, pair);
  }

  #carry(from: Socket, to: Socket, pair: Pair): void {
    from.on('data', (data) => {
      if (this.#mode === 'blackhole') {
        pair.held.push([to, data]);
        return;
      }
      // A side that does not read holds the other one up, as it would without this.
      if (to.write(data)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('error', () => {});
    for (const event of ['end', 'close'])
      from.on(event, () => {
        pair.isOver = true;
        if (this.#mode === 'pass') this.#end(pair);
      });
  }

  #letThrough({ held }: Pair): void {
    for (const [to, data] of held.splice(0)) if (to.writable) to.write(data);
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.near.destroy();
    pair.far.destroy();
  }
}
