/**
 * What the runtime needs of a WebSocket, whatever carries it.
 *
 * A transport turns an accepted upgrade into a {@link Socket} and tells a
 * {@link SocketListener} what happens to it. The conformance suite in
 * `test/contracts/` holds every transport to the MUSTs below.
 */

/** Why and how a socket ends. */
export interface CloseInfo {
  /** The close code; 1005 when the close frame carried none, 1006 when there was no close frame. */
  readonly code: number;
  readonly reason: string;
}

/** One open WebSocket. Every method is safe to call at any time, also after the end. */
export interface Socket {
  /** Bytes handed to `write` that the operating system has not taken yet. */
  readonly bufferedBytes: number;

  /** Bytes that have arrived so far, whether they make a message yet or not. */
  readonly bytesReceived: number;

  /**
   * The window that was negotiated for compressed frames, as a power of two (RFC 7692 §7.1.2.1); undefined when none
   * may be written. Such frames MUST NOT refer to earlier ones, nor further back than the window.
   */
  readonly deflateWindowBits?: number | undefined;

  /**
   * Writes `bytes`: one or more complete, unmasked frames, which nobody changes any more.
   * MUST write nothing once a close frame was sent: data behind it breaks the protocol (RFC 6455 §5.5.1).
   */
  write(bytes: Uint8Array): void;

  /** Sends a ping. */
  ping(): void;

  /** Sends a close frame with a sendable code and begins the closing handshake. MUST be ignored the second time. */
  close(code: number, reason: string): void;

  /** Ends the socket at once, without a close frame. MUST lead to `onClosed`. */
  destroy(): void;

  /** Stops reading from the network, so that TCP slows the remote side down. Messages already read may still come. */
  pause(): void;
  resume(): void;
}

/**
 * What a socket tells. MUST be called one at a time, in the order in which it
 * happened on the wire, and never before `accept` has returned the socket.
 */
export interface SocketListener {
  /** A complete, valid text message. */
  onText(text: string): void;
  /** A complete binary message. The bytes are the receiver's to keep. */
  onBinary(data: Uint8Array): void;
  /** Something was read from the network: what it holds is told now, then `onRead`. */
  onReading(): void;
  onRead(): void;
  /** A control frame arrived: a sign of life and nothing more. */
  onSignOfLife(): void;
  /** `bufferedBytes` is down to zero after it was 64 KiB or more. */
  onDrain(): void;
  /** The transport is about to send a close frame by itself; what was pushed before must be written now. */
  beforeClose(): void;
  /** The remote side sent its close frame first. MUST be told before `onClosed`, and not for our own `close`. */
  onClosing(info: CloseInfo): void;
  /** The remote side broke the protocol; the transport has sent a close frame with `info.code`. */
  onViolation(error: Error, info: CloseInfo): void;
  /** The socket is gone. MUST be told exactly once, last. Without a close frame before it, that was 1006. */
  onClosed(): void;
}

/** An upgrade that was checked and may be accepted. */
export interface AcceptableUpgrade<Request, Stream> {
  readonly request: Request;
  readonly stream: Stream;
  readonly head: Uint8Array;
  /** The subprotocol to announce; `undefined` leaves the header out. */
  readonly subprotocol: string | undefined;
  /** More headers for the answer, which were checked: no line ends in them, and none of the handshake's own. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** Accepts upgrades. One transport serves one service, whose limits it was made with. */
export interface Transport<Request, Stream> {
  /**
   * Answers 101 and calls `onAccepted` with the socket, before anything is read from it;
   * the listener that it returns is told of everything from then on.
   */
  accept(upgrade: AcceptableUpgrade<Request, Stream>, onAccepted: (socket: Socket) => SocketListener): void;
}

/** What a transport has to know of the limits of its service. */
export interface TransportOptions {
  /** The largest incoming message in bytes; a larger one is closed with 1009. */
  readonly maxPayload: number;
  /** How long the close handshake may take, in ms, before the socket is destroyed. */
  readonly closeTimeoutMs: number;
  /** Whether compression is negotiated with those that offer it. */
  readonly compression: boolean;
}
