/** The clients of a crowd: opens and closes them, lets them speak, and checks all that they are told. */
import { inParallel } from '../generator/connections.ts';
import { clientFrame, opcodes } from '../generator/frames.ts';
import { Client, type ClientOwner } from './client.ts';
import { Ledger } from './ledger.ts';
import type { Connect } from './link.ts';
import type { PushOrder } from './pushes.ts';
import { GROUP_SIZE, pathOf, textOf } from './texts.ts';

/** How many connections are being opened or closed at a time. */
const AT_ONCE = 50;
/** So many different messages each speaker has; with one in flight, a message too many or too few is noticed. */
const VERSES = 8;

export class Population implements ClientOwner {
  readonly #connect: Connect;
  readonly #clients = new Map<number, Client>();
  readonly #ledger = new Ledger();
  readonly #visits = new Map<number, () => void>();
  #afterText: ((client: Client) => void) | undefined;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** How many messages were compared so far. */
  get checked(): number {
    return this.#ledger.checked;
  }

  async open(from: number, to: number): Promise<void> {
    await inParallel(to - from, AT_ONCE, async (nth) => {
      const index = from + nth;
      this.#clients.set(index, await Client.open(index, pathOf(index), this.#connect, this));
    });
    await this.#ledger.settled();
  }

  /** The closing handshake, from the clients' side. */
  async close(from: number, to: number): Promise<void> {
    await inParallel(to - from, AT_ONCE, async (nth) => {
      const index = from + nth;
      const client = this.#clients.get(index);
      this.#clients.delete(index);
      await client?.close();
    });
    await this.#ledger.settled();
  }

  /** Opens a connection, has one message answered, and ends it: in order, or by breaking off. */
  async visit(index: number, end: 'close' | 'abort'): Promise<void> {
    const client = await Client.open(index, pathOf(index), this.#connect, this);
    const { text, frame } = verseOf(index, 0);
    this.#ledger.expect(index, text);
    await new Promise<void>((answered) => {
      this.#visits.set(index, answered);
      client.write(frame);
    });
    this.#visits.delete(index);
    await client[end]();
  }

  /** Each speaker has one message in flight until `messages` of them in all have come back. */
  async echo(speakers: readonly number[], messages: number): Promise<void> {
    const verses = speakers.map((index) => Array.from({ length: VERSES }, (_, verse) => verseOf(index, verse)));
    const places = new Map(speakers.map((index, place) => [index, place]));
    const said = speakers.map(() => 0);
    const rounds = Math.ceil(messages / speakers.length);
    const sayNext = (client: Client): void => {
      const place = places.get(client.index)!;
      const round = said[place]!++;
      if (round >= rounds) return;
      const verse = verses[place]![round % VERSES]!;
      this.#ledger.expect(client.index, verse.text);
      client.write(verse.frame);
    };
    this.#afterText = sayNext;
    for (const index of speakers) sayNext(this.#clients.get(index)!);
    await this.#ledger.settled();
    this.#afterText = undefined;
  }

  /** The pushes that the server will be told to make. */
  expect({ to, targets, count }: PushOrder): void {
    for (let number = 0; number < count; number++) {
      const target = targets[number % targets.length]!;
      if (to === 'names') {
        this.#ledger.expect(target, Buffer.from(textOf('push', number)));
        continue;
      }
      const text = Buffer.from(textOf('group', number));
      for (let member = 0; member < GROUP_SIZE; member++) this.#ledger.expect(target * GROUP_SIZE + member, text);
    }
  }

  /** Settles when all that was expected has come. */
  settled(): Promise<void> {
    return this.#ledger.settled();
  }

  onText(client: Client, text: Buffer): void {
    this.#ledger.received(client.index, text);
    this.#afterText?.(client);
    this.#visits.get(client.index)?.();
  }

  onFailure(client: Client, error: Error): void {
    this.#ledger.fail(new Error(`client ${client.index}: ${error.message}`));
    this.#visits.get(client.index)?.();
  }
}

function verseOf(index: number, verse: number): { readonly text: Buffer; readonly frame: Buffer } {
  const text = Buffer.from(textOf(`verse ${verse} of`, index));
  return { text, frame: clientFrame(opcodes.text, text) };
}
