/** One client of a crowd. It knows the protocol; what the messages say is its owner's business. */
import { clientFrame, opcodes } from '../generator/frames.ts';
import type { Connect, FarEnd, Link } from './link.ts';
import { WireReader, type WireListener } from './wire.ts';

/** Whom a client tells. */
export interface ClientOwner {
  /** The text is only lent, until this returns. */
  onText(client: Client, text: Buffer): void;
  /** The connection ended though nobody had asked for it, or the server broke a rule. */
  onFailure(client: Client, error: Error): void;
}

const GOODBYE = clientFrame(opcodes.close, Buffer.from([1000 >> 8, 1000 & 0xff]));

export class Client implements FarEnd, WireListener {
  readonly index: number;
  readonly #owner: ClientOwner;
  readonly #link: Link;
  readonly #reader: WireReader;
  /** Settles whichever of opening and closing is under way. */
  #settle: (() => void) | undefined;
  #isLeaving = false;
  #isAborting = false;
  /** The code of the close frame that came; 1006 while none has. */
  closeCode = 1006;

  private constructor(index: number, path: string, connect: Connect, owner: ClientOwner, opened: () => void) {
    this.index = index;
    this.#owner = owner;
    this.#settle = opened;
    this.#reader = new WireReader(this);
    this.#link = connect(index, path, this);
  }

  /** Connects; the promise settles when the server has answered 101. */
  static async open(index: number, path: string, connect: Connect, owner: ClientOwner): Promise<Client> {
    let client: Client | undefined;
    await new Promise<void>((opened) => {
      client = new Client(index, path, connect, owner, opened);
    });
    return client!;
  }

  /** Writes a frame that was made with `clientFrame`. */
  write(frame: Buffer): void {
    this.#link.write(frame);
  }

  /** Reads no more, until `resume`. */
  stall(): void {
    this.#link.stall();
  }

  resume(): void {
    this.#link.resume();
  }

  /** The whole closing handshake, from our side, until the connection is gone. */
  close(): Promise<void> {
    this.#isLeaving = true;
    return new Promise((closed) => {
      this.#settle = closed;
      this.#link.write(GOODBYE);
    });
  }

  /** Breaks off without a close frame. */
  abort(): void {
    this.#isLeaving = true;
    this.#isAborting = true;
    this.#link.destroy();
  }

  onBytes(bytes: Buffer): void {
    try {
      this.#reader.read(bytes);
    } catch (error) {
      this.#owner.onFailure(this, error instanceof Error ? error : new Error(String(error)));
      this.abort();
    }
  }

  onEnd(): void {
    this.#link.end();
    if (!this.#isLeaving) this.#owner.onFailure(this, new Error(`the server ended it with ${this.closeCode}`));
    else if (!this.#isAborting && this.closeCode !== 1000) {
      this.#owner.onFailure(this, new Error(`the server answered the close frame with ${this.closeCode}`));
    }
    this.#done();
  }

  onOpen(): void {
    this.#done();
  }

  onFrame(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.text) this.#owner.onText(this, payload);
    else if (opcode === opcodes.ping) this.#link.write(clientFrame(opcodes.pong, payload));
    else if (opcode === opcodes.close) this.#receiveClose(payload);
    else throw new Error(`the server sent a frame with opcode ${opcode}`);
  }

  #receiveClose(payload: Buffer): void {
    this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
    if (!this.#isLeaving) this.#link.write(clientFrame(opcodes.close, payload));
  }

  #done(): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.();
  }
}
