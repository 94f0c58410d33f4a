/**
 * The transport on `ws`: the only place that knows that library.
 *
 * `ws` does the handshake, parses whatever is not a plain small message
 * (`fast-frames.ts` reads those), and answers pings and close frames.
 * Outgoing messages do not pass through it: the runtime frames them once for
 * any number of receivers and writes them to the network socket itself, which
 * `node:http` hands over with the upgrade. That is sound as long as nothing of
 * `ws` still waits in a queue of its own, which only happens with compression,
 * and as long as nothing is written behind a close frame, which `write` sees to.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type RawData, type ServerOptions } from 'ws';
import type { CloseInfo, Socket, SocketListener, Transport, TransportOptions } from './contract.ts';
import { FastFrames, type FrameReader } from './fast-frames.ts';

/**
 * A WebSocket that tells when the closing handshake begins. `ws` itself only
 * emits `close` at its end, when the TCP connection is gone, and a remote side
 * that never ends the TCP connection would look open until then. `ws` calls its
 * own `close()` at both moments that begin a handshake: for a close frame from
 * the remote side (without arguments, or with code and reason) and for a broken
 * frame (with the code alone); `test/contracts/transport.test.ts` pins that.
 */
class ObservedWebSocket extends WebSocket {
  observer: WsSocket | undefined;
  violation: CloseInfo | undefined;
  #begun = false;

  /** Our own close: not to be told to anyone. */
  closeByUs(code: number, reason: string): void {
    this.#begun = true;
    super.close(code, reason);
  }

  override close(...[code, reason]: [code?: number, reason?: string | Buffer]): void {
    this.observer?.readsNoMore();
    if (!this.#begun) {
      this.#begun = true;
      this.observer?.listener.beforeClose();
      if (code !== undefined && reason === undefined) this.violation = { code, reason: '' };
      else
        this.observer?.listener.onClosing({
          code: code ?? 1005,
          reason: reason === undefined ? '' : reason.toString(),
        });
    }
    super.close(code, reason);
  }
}

const NOTHING = new Uint8Array(0);

/** From so many buffered bytes on it is told when they have been taken: no stream of Node tells it for less. */
const NOTEWORTHY_BYTES = 65_536;

/** What `ws` listens with for what arrives. */
type DataListener = (this: Duplex, bytes: Buffer) => void;

class WsSocket implements Socket, FrameReader {
  readonly #webSocket: ObservedWebSocket;
  readonly #stream: Duplex;
  readonly #frames: FastFrames;
  /** Takes the place of the listener that `ws` has for what arrives, and hands on to it. */
  readonly #general: DataListener;
  #listener: SocketListener | undefined;
  #found = 0;

  constructor(webSocket: ObservedWebSocket, stream: Duplex, maxPayload: number) {
    this.#webSocket = webSocket;
    this.#stream = stream;
    this.#frames = new FastFrames(this, maxPayload);
    this.#general = stream.listeners('data').at(-1) as DataListener;
  }

  /** Tells `listener` of everything from now on. */
  observe(listener: SocketListener): void {
    this.#listener = listener;
    const webSocket = this.#webSocket;
    const stream = this.#stream;
    webSocket.observer = this;
    webSocket.on('message', onMessage);
    webSocket.on('ping', onSignOfLife);
    webSocket.on('pong', onSignOfLife);
    webSocket.on('error', onError);
    webSocket.on('close', onClose);
    stream.off('data', this.#general);
    stream.on('data', (bytes: Buffer) => this.#read(bytes));
    stream.on('drain', () => listener.onDrain());
  }

  get listener(): SocketListener {
    return this.#listener!;
  }

  /** `ws` has found something complete. */
  found(): void {
    this.#found++;
  }

  /** `ws` reads nothing more: the remote side has sent its close frame, or broken the protocol. */
  readsNoMore(): void {
    this.#frames.end();
  }

  #read(bytes: Buffer): void {
    this.#listener!.onReading();
    this.#frames.read(bytes);
    this.#listener!.onRead();
  }

  // What the frames tell.

  onText(text: string): void {
    this.#listener!.onText(text);
  }

  onBinary(data: Uint8Array): void {
    this.#listener!.onBinary(data);
  }

  onOther(bytes: Buffer): number {
    this.#found = 0;
    this.#general.call(this.#stream, bytes);
    return this.#found;
  }

  // What the connection asks.

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  get bytesReceived(): number {
    return (this.#stream as Partial<NetSocket>).bytesRead ?? 0;
  }

  write(bytes: Uint8Array): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    const stream = this.#stream;
    stream.write(bytes);
    // The server of an application may have been made with a larger mark, below which its streams never drain.
    if (stream.writableLength >= NOTEWORTHY_BYTES && !stream.writableNeedDrain) {
      stream.write(NOTHING, () => stream.writableLength === 0 && stream.emit('drain'));
    }
  }

  ping(): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.ping();
  }

  close(code: number, reason: string): void {
    this.#webSocket.closeByUs(code, reason);
  }

  destroy(): void {
    this.#webSocket.terminate();
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }
}

/** A transport on `ws`, for one service. */
export function createWsTransport(options: TransportOptions): Transport<IncomingMessage, Duplex> {
  // The published types of `ws` do not know all options yet.
  const serverOptions: ServerOptions<typeof ObservedWebSocket> & {
    closeTimeout: number;
    maxPendingAutoPongs: number;
  } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    WebSocket: ObservedWebSocket,
    maxPayload: options.maxPayload,
    closeTimeout: options.closeTimeoutMs,
    // More pings at once than this end the connection: nobody needs them, and their answers would be buffered.
    maxPendingAutoPongs: 60,
    // The choice was made before; `ws` only writes the header.
    handleProtocols: (_offered, request) => chosenSubprotocol.get(request) ?? false,
  };
  const server = new WebSocketServer(serverOptions);
  const chosenSubprotocol = new WeakMap<IncomingMessage, string>();

  return {
    accept({ request, stream, head, subprotocol }, onAccepted) {
      if (subprotocol !== undefined) chosenSubprotocol.set(request, subprotocol);
      server.handleUpgrade(request, stream, Buffer.from(head), (webSocket) => {
        const socket = new WsSocket(webSocket, stream, options.maxPayload);
        socket.observe(onAccepted(socket));
      });
    },
  };
}

// Listeners for all WebSockets: one of its own for each connection would be a good part of its memory.

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const { observer } = this as ObservedWebSocket;
  if (observer === undefined) return;
  observer.found();
  if (isBinary) observer.listener.onBinary(data as Buffer);
  else observer.listener.onText((data as Buffer).toString());
}

function onSignOfLife(this: WebSocket): void {
  const { observer } = this as ObservedWebSocket;
  observer?.found();
  observer?.listener.onSignOfLife();
}

function onError(this: WebSocket, error: Error): void {
  const { observer, violation } = this as ObservedWebSocket;
  // An error without a close frame is one of the network; `close` follows and says all there is to say.
  if (violation !== undefined) observer?.listener.onViolation(error, violation);
}

function onClose(this: WebSocket): void {
  (this as ObservedWebSocket).observer?.listener.onClosed();
}
