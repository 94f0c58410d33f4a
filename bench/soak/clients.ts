/** The clients of a soak: some stay and talk, others come and go. */
import { Client, type ClientOwner } from '../crowd/client.ts';
import type { Connect } from '../crowd/link.ts';
import { everyTick } from '../crowd/pace.ts';
import { pathOf, textOf } from '../crowd/texts.ts';
import { inParallel } from '../generator/connections.ts';
import { clientFrame, opcodes } from '../generator/frames.ts';
import { NumberedMessages } from './messages.ts';
import type { Soaked } from './server.ts';

const AT_ONCE = 50;
/** What is said is said in so many portions a second. */
const PORTIONS_PER_SECOND = 100;

export class SoakClients implements ClientOwner {
  readonly #connect: Connect;
  readonly #staying: number;
  readonly #clients = new Map<number, Client>();
  readonly #told = new Map<number, NumberedMessages>();
  readonly #said: number[];
  readonly #visits = new Map<number, () => void>();
  #failure: Error | undefined;
  #visitors = 0;
  checked = 0;

  constructor(connect: Connect, staying: number) {
    this.#connect = connect;
    this.#staying = staying;
    this.#said = Array.from({ length: staying }, () => 0);
  }

  async open(): Promise<void> {
    await inParallel(this.#staying, AT_ONCE, async (index) => void (await this.#open(index)));
  }

  /** Speaks at a fixed rate, the staying clients in turn, with visitors in between. */
  async talk(seconds: number, messagesPerSecond: number, visitorsPerSecond: number): Promise<void> {
    const portion = messagesPerSecond / PORTIONS_PER_SECOND;
    const visits: Promise<void>[] = [];
    let speaker = 0;
    const ticks = seconds * PORTIONS_PER_SECOND;
    await everyTick(PORTIONS_PER_SECOND, ticks, async (tick) => {
      if (this.#failure !== undefined) throw this.#failure;
      for (let message = 0; message < portion; message++) this.#speak(speaker++ % this.#staying);
      if (tick % (PORTIONS_PER_SECOND / visitorsPerSecond) === 0) visits.push(this.#visit());
    });
    await Promise.all(visits);
  }

  /** Waits for one more answer to each: whatever was sent before is there then. */
  async checkAll({ broadcasts, laps }: Soaked): Promise<void> {
    await inParallel(this.#staying, AT_ONCE, async (index) => {
      await new Promise<void>((answered) => {
        this.#visits.set(index, answered);
        this.#speak(index);
      });
    });
    if (this.#failure !== undefined) throw this.#failure;
    for (let index = 0; index < this.#staying; index++) {
      this.#expectAll(index, 'verse', this.#said[index]!);
      this.#expectAll(index, 'broadcast', broadcasts);
      this.#expectAll(index, 'group', laps);
    }
  }

  onText({ index }: Client, text: Buffer): void {
    this.checked++;
    const told = this.#told.get(index)!;
    const staying = index < this.#staying;
    told.take(text.toString(), !staying);
    if (!staying ? told.next('verse') > 0 : told.next('verse') === this.#said[index]) this.#visits.get(index)?.();
  }

  onFailure({ index }: Client, error: Error): void {
    this.#failure ??= new Error(`client ${index}: ${error.message}`);
    this.#visits.get(index)?.();
  }

  async #open(index: number): Promise<Client> {
    this.#told.set(index, new NumberedMessages());
    const client = await Client.open(index, pathOf(index), this.#connect, this);
    this.#clients.set(index, client);
    return client;
  }

  #speak(index: number): void {
    const text = Buffer.from(textOf('verse', this.#said[index]!++));
    this.#clients.get(index)!.write(clientFrame(opcodes.text, text));
  }

  /** One comes, has a message answered and goes, every second of them without a word. */
  async #visit(): Promise<void> {
    const index = this.#staying + (this.#visitors++ % this.#staying);
    const client = await this.#open(index);
    await new Promise<void>((answered) => {
      this.#visits.set(index, answered);
      client.write(clientFrame(opcodes.text, Buffer.from(textOf('verse', 0))));
    });
    this.#visits.delete(index);
    this.#clients.delete(index);
    await client[this.#visitors % 2 === 0 ? 'close' : 'abort']();
    this.#told.delete(index);
  }

  #expectAll(index: number, kind: string, sent: number): void {
    const came = this.#told.get(index)!.next(kind);
    if (came !== sent)
      throw new Error(`client ${index} was told ${came} times "${kind}", and should have been ${sent} times`);
  }
}
