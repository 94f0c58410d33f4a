/** The readers of a broadcast: many that read at once, and one that may not. */
import { Client, type ClientOwner } from '../crowd/client.ts';
import type { Connect } from '../crowd/link.ts';
import { pathOf } from '../crowd/texts.ts';
import { inParallel } from '../generator/connections.ts';
import { nowUs, sentAt, surplusOf } from './broadcasts.ts';

const AT_ONCE = 50;

export class Readers implements ClientOwner {
  readonly #clients: Client[] = [];
  /** The number of the next broadcast for each, and of the last one's next surplus. */
  readonly #next: number[];
  #nextSurplus = 0;
  /** How long each broadcast took to each of the fast readers, in µs. */
  readonly delaysUs: Float64Array;
  #delays = 0;
  #finished: { resolve(): void; reject(error: Error): void } | undefined;
  #lastEnded: (() => void) | undefined;
  checked = 0;

  constructor(fast: number, broadcasts: number) {
    this.#next = Array.from({ length: fast + 1 }, () => 0);
    this.delaysUs = new Float64Array(fast * broadcasts);
  }

  get #last(): number {
    return this.#next.length - 1;
  }

  async open(connect: Connect): Promise<void> {
    await inParallel(this.#next.length, AT_ONCE, async (index) => {
      this.#clients[index] = await Client.open(index, pathOf(index), connect, this);
    });
  }

  /** The last one reads no more. */
  stallLast(): void {
    this.#clients[this.#last]?.stall();
  }

  /** Settles when every fast reader has every broadcast; rejects at the first wrong one. */
  finished(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#finished = { resolve, reject };
    });
  }

  /** Lets the last one read what there is for it; settles with its close code when its connection has ended. */
  async readLast(): Promise<number> {
    const last = this.#clients[this.#last]!;
    const ended = new Promise<void>((resolve) => {
      this.#lastEnded = resolve;
    });
    last.resume();
    await ended;
    return last.closeCode;
  }

  onText({ index }: Client, text: Buffer): void {
    const now = nowUs();
    const told = text.toString();
    this.checked++;
    if (index === this.#last && told.startsWith('surplus')) {
      if (told !== surplusOf(this.#nextSurplus++))
        this.#finished?.reject(new Error('a surplus came altered or not in order'));
      return;
    }
    const number = this.#next[index]!++;
    const sentUs = sentAt(told, number);
    if (index === this.#last) return;
    this.delaysUs[this.#delays++] = now - sentUs;
    if (this.#delays === this.delaysUs.length) this.#finished?.resolve();
  }

  onFailure({ index }: Client, error: Error): void {
    if (index === this.#last && this.#lastEnded !== undefined) this.#lastEnded();
    else this.#finished?.reject(new Error(`reader ${index}: ${error.message}`));
  }
}
