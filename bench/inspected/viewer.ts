/** Somebody who looks at a server through its inspector. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { SUBPROTOCOL, type ServerFrame, type ViewerRequest } from '../../src/inspector/protocol.ts';

type Answer = Extract<ServerFrame, { readonly request: number }>;

export class Viewer {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;
  /** Frames about what watched actors do. */
  doings = 0;
  /** Events that the server left out. */
  dropped = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#take(JSON.parse(data.toString()) as ServerFrame));
  }

  static async open(port: number, token: string): Promise<Viewer> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/__inspector/ws?token=${token}`, SUBPROTOCOL);
    const viewer = new Viewer(socket);
    await once(socket, 'open');
    return viewer;
  }

  /** Watches all actors of the connection that came first. */
  async watchFirst(): Promise<void> {
    const list = await this.#ask({ type: 'list', request: 0, of: 'connections', limit: 1 });
    const id = list.type === 'troupe.list' && list.of === 'connections' ? (list.items[0]?.id ?? '') : '';
    const found = await this.#ask({ type: 'connection', request: 0, of: id });
    if (found.type !== 'troupe.connection') throw new Error(`there is no connection: ${JSON.stringify(found)}`);
    const watching = await this.#ask({
      type: 'watch',
      request: 0,
      actors: found.connection.actors.map(({ sessionId }) => sessionId),
    });
    if (watching.type !== 'troupe.watching' || watching.actors.length === 0) throw new Error('nothing is watched');
  }

  /** Everything that was sent before has come. */
  async caughtUp(): Promise<void> {
    await this.#ask({ type: 'list', request: 0, of: 'services', limit: 1 });
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #ask(question: ViewerRequest): Promise<Answer> {
    const request = ++this.#asked;
    this.#socket.send(JSON.stringify({ ...question, request }));
    return new Promise((resolve) => this.#waiting.set(request, resolve));
  }

  #take(frame: ServerFrame): void {
    if ('request' in frame && frame.request !== undefined) this.#waiting.get(frame.request)?.(frame as Answer);
    else if (frame.type === 'troupe.dropped') this.dropped += frame.count;
    else if (frame.type === 'troupe.microstep' || frame.type === '@xstate.event' || frame.type === '@xstate.snapshot')
      this.doings++;
  }
}
