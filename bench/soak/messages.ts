/** Numbered messages of several kinds: within each kind the numbers follow one another. */
import { textOf } from '../crowd/texts.ts';

export class NumberedMessages {
  readonly #next = new Map<string, number>();

  /** The number of the next message of that kind. */
  next(kind: string): number {
    return this.#next.get(kind) ?? 0;
  }

  /** Who came in the middle does not know where the counting began. @throws {Error} for what is not the next one */
  take(text: string, cameInTheMiddle: boolean): void {
    const [kind = '', digits = ''] = text.split(' ', 2);
    const number = Number(digits);
    const next = this.#next.get(kind) ?? (cameInTheMiddle ? number : 0);
    if (text !== textOf(kind, next)) throw new Error(`expected ${kind} ${next} and received "${text}"`);
    this.#next.set(kind, next + 1);
  }
}
