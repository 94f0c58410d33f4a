/** What each client must be told next. Count, order and content are checked here: a figure without that is none. */

import { within } from '../deadline.ts';

/** Longer than any batch takes. */
const PATIENCE_MS = 120_000;

export class Ledger {
  readonly #expected = new Map<number, Buffer[]>();
  #outstanding = 0;
  #settled: { resolve(): void; reject(error: Error): void } | undefined;
  #failure: Error | undefined;
  /** How many messages were compared. */
  checked = 0;

  /** After everything that was expected before, `text` comes to the client with that index. */
  expect(index: number, text: Buffer): void {
    const texts = this.#expected.get(index);
    if (texts === undefined) this.#expected.set(index, [text]);
    else texts.push(text);
    this.#outstanding++;
  }

  received(index: number, text: Buffer): void {
    const expected = this.#expected.get(index)?.shift();
    if (expected === undefined || !expected.equals(text)) {
      const what = expected === undefined ? 'nothing' : `"${expected.toString()}"`;
      this.fail(new Error(`client ${index} expected ${what} and received "${text.toString()}"`));
      return;
    }
    this.checked++;
    if (--this.#outstanding === 0) this.#settled?.resolve();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#settled?.reject(error);
  }

  /** Settles when nothing is outstanding; rejects at the first wrong message, also one that came before. */
  async settled(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    // An answer may be what the next question was waiting for.
    while (this.#outstanding > 0) {
      const settled = new Promise<void>((resolve, reject) => {
        this.#settled = { resolve, reject };
      });
      await within(PATIENCE_MS, 'the rest of the messages', settled);
    }
    this.#settled = undefined;
    this.#expected.clear();
  }
}
