/**
 * The transport on `ws`: the only place that knows that library.
 *
 * `ws` parses, unmasks, checks UTF-8 and answers pings and close frames.
 * Outgoing messages do not pass through it: the runtime frames them once for
 * any number of receivers and writes them to the network socket itself, which
 * `node:http` hands over with the upgrade. That is sound as long as nothing of
 * `ws` still waits in a queue of its own, which only happens with compression,
 * and as long as nothing is written behind a close frame, which `write` sees to.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';
import type { CloseInfo, Socket, SocketListener, Transport, TransportOptions } from './contract.ts';

/**
 * A WebSocket that tells when the closing handshake begins. `ws` itself only
 * emits `close` at its end, when the TCP connection is gone, and a remote side
 * that never ends the TCP connection would look open until then. `ws` calls its
 * own `close()` at both moments that begin a handshake: for a close frame from
 * the remote side (without arguments, or with code and reason) and for a broken
 * frame (with the code alone); `test/contracts/transport.test.ts` pins that.
 */
class ObservedWebSocket extends WebSocket {
  beforeClose: (() => void) | undefined;
  onRemoteClose: ((info: CloseInfo) => void) | undefined;
  violation: CloseInfo | undefined;
  #begun = false;

  /** Our own close: not to be told to anyone. */
  closeByUs(code: number, reason: string): void {
    this.#begun = true;
    super.close(code, reason);
  }

  override close(...[code, reason]: [code?: number, reason?: string | Buffer]): void {
    if (!this.#begun) {
      this.#begun = true;
      this.beforeClose?.();
      if (code !== undefined && reason === undefined) this.violation = { code, reason: '' };
      else this.onRemoteClose?.({ code: code ?? 1005, reason: reason === undefined ? '' : reason.toString() });
    }
    super.close(code, reason);
  }
}

const NOTHING = new Uint8Array(0);

/** From so many buffered bytes on it is told when they have been taken: no stream of Node tells it for less. */
const NOTEWORTHY_BYTES = 65_536;

class WsSocket implements Socket {
  readonly #webSocket: ObservedWebSocket;
  readonly #stream: Duplex;

  constructor(webSocket: ObservedWebSocket, stream: Duplex) {
    this.#webSocket = webSocket;
    this.#stream = stream;
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  get bytesReceived(): number {
    return (this.#stream as Partial<NetSocket>).bytesRead ?? 0;
  }

  write(frames: readonly Uint8Array[]): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    const stream = this.#stream;
    if (frames.length === 1) {
      stream.write(frames[0]);
    } else {
      stream.cork();
      for (const frame of frames) stream.write(frame);
      stream.uncork();
    }
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
        observe(webSocket, stream, onAccepted(new WsSocket(webSocket, stream)));
      });
    },
  };
}

function observe(webSocket: ObservedWebSocket, stream: Duplex, listener: SocketListener): void {
  webSocket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) listener.onBinary(data);
    else listener.onText(data.toString());
  });
  webSocket.on('ping', () => listener.onSignOfLife());
  webSocket.on('pong', () => listener.onSignOfLife());
  webSocket.on('error', (error) => {
    // An error without a close frame is one of the network; `close` follows and says all there is to say.
    if (webSocket.violation !== undefined) listener.onViolation(error, webSocket.violation);
  });
  webSocket.on('close', () => listener.onClosed());
  webSocket.beforeClose = () => listener.beforeClose();
  webSocket.onRemoteClose = (info) => listener.onClosing(info);
  stream.on('drain', () => listener.onDrain());
}
