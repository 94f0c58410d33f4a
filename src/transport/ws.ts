/**
 * The transport on `ws`: the only place that knows that library.
 *
 * A handshake that nothing is unusual about is answered here, and the socket is
 * a `StreamSocket`, which does the ordinary things itself and has `ws` made on
 * its stream when something else happens (`stream-socket.ts` says when).
 * Handshakes with compression, and those that are refused, are for `ws` from
 * the beginning.
 *
 * Outgoing messages never pass through `ws`: the runtime frames them once for
 * any number of receivers and writes them to the network socket itself, which
 * `node:http` hands over with the upgrade. That is sound as long as nothing of
 * `ws` still waits in a queue of its own, which only happens when `ws` itself
 * compresses, and it is never given a message to send; and as long as nothing is
 * written behind a close frame, which the socket sees to.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type RawData, type ServerOptions } from 'ws';
import { acceptableOffer, type Offer } from './compression-offers.ts';
import type { AcceptableUpgrade, CloseInfo, Socket, SocketListener, Transport, TransportOptions } from './contract.ts';
import { switchingProtocols } from './handshake-answer.ts';
import { nobody, StreamSocket, type General, type GeneralObserver, type SocketSetting } from './stream-socket.ts';

/** The published types of `ws` do not know all options yet. */
type Options = ServerOptions<typeof ObservedWebSocket> & { closeTimeout: number };

/** What `ws` listens with for what arrives. */
type DataListener = (this: Duplex, bytes: Buffer) => void;

/**
 * A WebSocket that reads what it is given, and tells when the closing handshake
 * begins. `ws` itself only emits `close` at its end, when the TCP connection is
 * gone, and a remote side that never ends the TCP connection would look open
 * until then. `ws` calls its own `close()` at both moments that begin a
 * handshake: for a close frame from the remote side (without arguments, or with
 * code and reason) and for a broken frame (with the code alone);
 * `test/contracts/transport.test.ts` pins that.
 */
class ObservedWebSocket extends WebSocket implements General {
  observer: GeneralObserver | undefined;
  violation: CloseInfo | undefined;
  /** Bytes of messages that were still inflated since the socket is not read any more. */
  inflatedWhileNotRead = 0;
  /** How many messages, pings and pongs were found in what is being read. */
  found = 0;
  #begun = false;
  #stream: Duplex | undefined;
  #read: DataListener | undefined;

  /** To be called when it is on `stream`, before anything is read from that. */
  observe(observer: GeneralObserver, stream: Duplex): void {
    this.observer = observer;
    this.#stream = stream;
    this.#read = stream.listeners('data').at(-1) as DataListener;
    stream.off('data', this.#read);
    this.on('message', onMessage);
    this.on('ping', onPing);
    this.on('pong', onPong);
    this.on('error', onError);
    this.on('close', onClose);
  }

  get isOpen(): boolean {
    return this.readyState === WebSocket.OPEN;
  }

  read(bytes: Buffer): number {
    this.found = 0;
    this.#read!.call(this.#stream!, bytes);
    return this.found;
  }

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

/** A transport on `ws`, for one service. Where `joins` says no, `ws` is on each stream from the beginning. */
export function createWsTransport(
  options: TransportOptions,
  joins: () => boolean = canJoinWs,
): Transport<IncomingMessage, Duplex> {
  const serverOptions: Options & { autoPong: boolean } = {
    noServer: true,
    clientTracking: false,
    // Without takeover a compressed frame is the same for all receivers, and `ws` keeps no window of what it received.
    perMessageDeflate: options.compression && { serverNoContextTakeover: true, clientNoContextTakeover: true },
    WebSocket: ObservedWebSocket,
    maxPayload: options.maxPayload,
    closeTimeout: options.closeTimeoutMs,
    // Pings are answered in one place, whoever reads them.
    autoPong: false,
    // The choice was made before; `ws` only writes the header.
    handleProtocols: (_offered, request) => chosenSubprotocol.get(request) ?? false,
  };
  const server = new WebSocketServer(serverOptions);
  const chosenSubprotocol = new WeakMap<IncomingMessage, string>();
  const ownHeaders = new WeakMap<IncomingMessage, NonNullable<Upgrade['headers']>>();
  server.on('headers', (lines, request) => {
    for (const [name, value] of ownHeaders.get(request) ?? []) lines.push(`${name}: ${value}`);
  });
  const setting: SocketSetting = {
    maxPayload: options.maxPayload,
    closeTimeoutMs: options.closeTimeoutMs,
    makeGeneral: (stream, observer) => joinWs(server.options as Options, stream, observer),
  };

  /** Lets `ws` answer, and do all that is not read and written here from the beginning. */
  function acceptWithWs({ request, stream, head, subprotocol, headers }: Upgrade, onAccepted: OnAccepted): void {
    const offer = options.compression ? acceptableOffer(request.headers['sec-websocket-extensions']) : undefined;
    const handshake = offer === undefined ? request : withExtensions(request, offer);
    if (subprotocol !== undefined) chosenSubprotocol.set(handshake, subprotocol);
    if (headers !== undefined) ownHeaders.set(handshake, headers);
    server.handleUpgrade(handshake, stream, Buffer.from(head), (webSocket) => {
      const socket = new StreamSocket(stream, setting, offer?.windowBits);
      webSocket.observe(socket, stream);
      socket.beginWith(webSocket);
      socket.observe(onAccepted(socket));
      if (offer?.windowBits !== undefined) webSocket.on('message', boundWhileNotRead);
    });
  }

  return {
    accept(upgrade, onAccepted) {
      const { request, stream, head } = upgrade;
      if (StreamSocket.isOn(stream)) throw new Error('This stream was upgraded before');
      const mayCompress = options.compression && request.headers['sec-websocket-extensions'] !== undefined;
      // Somebody else who reads the stream, or paused it, has upgraded it perhaps: `ws` knows its own.
      const isUntouched = stream.listenerCount('data') === 0 && !stream.isPaused();
      const isUp = stream.readable && stream.writable;
      const isOurs = !mayCompress && isUntouched && isUp && joins();
      const answer = isOurs ? switchingProtocols(request, upgrade.subprotocol, upgrade.headers) : undefined;
      if (answer === undefined) {
        acceptWithWs(upgrade, onAccepted);
        return;
      }
      stream.write(answer, 'latin1');
      prepare(stream);
      if (head.length > 0) stream.unshift(head);
      const socket = new StreamSocket(stream, setting);
      // So that a `ws` of the application that is handed the same stream refuses it.
      if (markOfWs !== undefined) Reflect.set(stream, markOfWs, socket);
      socket.begin();
      socket.observe(onAccepted(socket));
    },
  };
}

type Upgrade = AcceptableUpgrade<IncomingMessage, Duplex>;
type OnAccepted = (socket: Socket) => SocketListener;

/** As `ws` has it: no time-out of HTTP's, no waiting for more to send. */
function prepare(stream: Duplex): void {
  const { setTimeout, setNoDelay } = stream as Partial<NetSocket>;
  setTimeout?.call(stream as NetSocket, 0);
  setNoDelay?.call(stream as NetSocket);
}

/** How the server of `ws` makes a WebSocket: the constructor and the method have no published types. */
interface Unpublished {
  new (address: null, protocols: undefined, options: Options): ObservedWebSocket & Joining;
}

interface Joining {
  setSocket(stream: Duplex, head: Buffer, options: Options): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Puts `ws` on a stream whose handshake was answered by somebody else, as its own server does after it has answered
 * one. There is no public way; `test/transport/ws.test.ts` pins this one, and {@link canJoinWs} tries it out.
 */
function joinWs(options: Options, stream: Duplex, observer: GeneralObserver): ObservedWebSocket {
  const webSocket = new (ObservedWebSocket as unknown as Unpublished)(null, undefined, options);
  webSocket.setSocket(stream, NOTHING, options);
  webSocket.observe(observer, stream);
  return webSocket;
}

let isJoinable: boolean | undefined;
/** What `ws` knows a stream by that it is on already. */
let markOfWs: symbol | undefined;

/** Whether the `ws` that is installed can still be put on a stream; if not, it is there from the beginning. */
function canJoinWs(): boolean {
  return (isJoinable ??= tryJoining());
}

function tryJoining(): boolean {
  const stream = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  let isPinged = false;
  try {
    const { options } = new WebSocketServer({ noServer: true, autoPong: false });
    const webSocket = joinWs(options as Options, stream, {
      listener: nobody,
      readsNoMore() {},
      onPing(payload) {
        isPinged = payload.length === 1;
      },
    });
    const isOpen = webSocket.isOpen;
    markOfWs = Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'websocket');
    webSocket.read(Buffer.of(0x89, 0x81, 1, 2, 3, 4, 5));
    webSocket.terminate();
    return isOpen && isPinged && !webSocket.isOpen && stream.destroyed;
  } catch {
    return false;
  } finally {
    stream.destroy();
  }
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
  const webSocket = this as ObservedWebSocket;
  webSocket.found++;
  if (isBinary) webSocket.observer?.listener.onBinary(data as Buffer);
  else webSocket.observer?.listener.onText((data as Buffer).toString());
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

function onPing(this: WebSocket, payload: Buffer): void {
  const webSocket = this as ObservedWebSocket;
  webSocket.found++;
  webSocket.observer?.onPing(payload);
}

function onPong(this: WebSocket): void {
  const webSocket = this as ObservedWebSocket;
  webSocket.found++;
  webSocket.observer?.listener.onSignOfLife();
}

function onError(this: WebSocket, error: Error): void {
  const { observer, violation } = this as ObservedWebSocket;
  // An error without a close frame is one of the network; `close` follows and says all there is to say.
  if (violation !== undefined) observer?.listener.onViolation(error, violation);
}

function onClose(this: WebSocket): void {
  (this as ObservedWebSocket).observer?.listener.onClosed();
}
