/**
 * The transport on `ws`: the only place that knows that library.
 *
 * `ws` does the handshake, parses whatever is not a plain small message
 * (`fast-frames.ts` reads those), and answers pings and close frames.
 * Outgoing messages do not pass through it: the runtime frames them once for
 * any number of receivers and writes them to the network socket itself, which
 * `node:http` hands over with the upgrade. That is sound as long as nothing of
 * `ws` still waits in a queue of its own, which only happens when `ws` itself
 * compresses, and it is never given a message to send; and as long as nothing is
 * written behind a close frame, which `write` sees to.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type RawData, type ServerOptions } from 'ws';
import { acceptableOffer, type Offer } from './compression-offers.ts';
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
  /** Bytes of messages that were still inflated since the socket is not read any more. */
  inflatedWhileNotRead = 0;
  #begun = false;

  /** Our own close: not to be told to anyone. */
  closeByUs(code: number, reason: string): void {
    this.#begun = true;
    super.close(code, reason);
  }

  /** Ends it as `ws` does for a broken frame: nothing is read any more but the end. */
  violate(code: number, error: Error): void {
    if (this.violation !== undefined) return;
    this.close(code);
    this.resume();
    this.emit('error', error);
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

const POLICY_VIOLATION = 1008;

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

  readonly deflateWindowBits: number | undefined;

  constructor(webSocket: ObservedWebSocket, stream: Duplex, maxPayload: number, deflateWindowBits: number | undefined) {
    this.#webSocket = webSocket;
    this.#stream = stream;
    this.deflateWindowBits = deflateWindowBits;
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
    // Without takeover a compressed frame is the same for all receivers, and `ws` keeps no window of what it received.
    perMessageDeflate: options.compression && { serverNoContextTakeover: true, clientNoContextTakeover: true },
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
      const offer = options.compression ? acceptableOffer(request.headers['sec-websocket-extensions']) : undefined;
      const handshake = offer === undefined ? request : withExtensions(request, offer);
      if (subprotocol !== undefined) chosenSubprotocol.set(handshake, subprotocol);
      server.handleUpgrade(handshake, stream, Buffer.from(head), (webSocket) => {
        const socket = new WsSocket(webSocket, stream, options.maxPayload, offer?.windowBits);
        socket.observe(onAccepted(socket));
        if (offer?.windowBits !== undefined) webSocket.on('message', boundWhileNotRead);
      });
    },
  };
}

/**
 * The request with the one offer that is accepted, or with none. `ws` answers 400 when there is any offer that it does
 * not understand; RFC 7692 §7 has such an offer declined, so that the next one counts. The request itself is not ours.
 */
function withExtensions(request: IncomingMessage, { header }: Offer): IncomingMessage {
  const headers = { ...request.headers, 'sec-websocket-extensions': header };
  return Object.create(request, { headers: { value: headers } }) as IncomingMessage;
}

// Listeners for all WebSockets: one of its own for each connection would be a good part of its memory.

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  const { observer } = this as ObservedWebSocket;
  if (observer === undefined) return;
  observer.found();
  if (isBinary) observer.listener.onBinary(data as Buffer);
  else observer.listener.onText((data as Buffer).toString());
}

/** 128 times what one read from the network brings: messages of people and programs do not shrink that much. */
const MOST_BYTES_WHILE_NOT_READ = 128 * 65_536;

/**
 * Ends a connection that is not read any more, because its handler is busy, and still fills the memory: what had
 * already arrived goes on being inflated, to a thousand times its size if somebody means harm.
 */
function boundWhileNotRead(this: WebSocket, data: RawData): void {
  const webSocket = this as ObservedWebSocket;
  const { length } = data as Buffer;
  webSocket.inflatedWhileNotRead = webSocket.isPaused ? webSocket.inflatedWhileNotRead + length : 0;
  if (webSocket.inflatedWhileNotRead > MOST_BYTES_WHILE_NOT_READ) {
    webSocket.violate(POLICY_VIOLATION, new RangeError('Too much was inflated while the socket was not read'));
  }
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
