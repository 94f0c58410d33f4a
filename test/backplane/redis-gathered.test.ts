import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Gathered } from '../../src/backplane/redis/gathered.ts';

/** A turn of the event loop. */
const turn = promisify(setImmediate);

/** A server that answers when it is told to. */
class Slow {
  readonly gathered = new Gathered();
  readonly sent: number[] = [];
  readonly #answers: ((error?: Error) => void)[] = [];

  add(...numbers: number[]): void {
    for (const number of numbers) {
      this.gathered.add(async () => {
        this.sent.push(number);
        return new Promise<void>((resolve, reject) => {
          this.#answers.push((error) => (error === undefined ? resolve() : reject(error)));
        });
      });
    }
  }

  /** Answers the `count` that have waited for longest. */
  async answer(count: number, error?: Error): Promise<void> {
    for (const answer of this.#answers.splice(0, count)) answer(error);
    await turn();
  }
}

describe('what is gathered', () => {
  it('is sent at once where no answer is awaited, and with it what is added in the same turn', () => {
    const slow = new Slow();
    slow.add(1, 2);
    expect(slow.sent).toEqual([1, 2]);
  });

  it('waits for all answers to what has left, and then leaves together', async () => {
    const slow = new Slow();
    slow.add(1, 2);
    await turn();
    slow.add(3);
    await turn();
    slow.add(4);
    await slow.answer(1);
    expect(slow.sent).toEqual([1, 2]);
    await slow.answer(1);
    expect(slow.sent).toEqual([1, 2, 3, 4]);
    await turn();
    slow.add(5);
    expect(slow.sent).toEqual([1, 2, 3, 4]);
    await slow.answer(2);
    expect(slow.sent).toEqual([1, 2, 3, 4, 5]);
  });

  it('goes on after an answer that is an error', async () => {
    const slow = new Slow();
    slow.add(1);
    await turn();
    slow.add(2);
    await slow.answer(1, new Error('refused'));
    expect(slow.sent).toEqual([1, 2]);
  });

  it('is let go before something else, and gathers again behind it', async () => {
    const slow = new Slow();
    slow.add(1);
    await turn();
    slow.add(2);
    slow.gathered.letGo();
    expect(slow.sent).toEqual([1, 2]);
    await turn();
    slow.add(3);
    expect(slow.sent).toEqual([1, 2]);
    await slow.answer(2);
    expect(slow.sent).toEqual([1, 2, 3]);
  });

  it('does not wait once everything was answered', async () => {
    const slow = new Slow();
    slow.add(1);
    await turn();
    await slow.answer(1);
    slow.add(2);
    expect(slow.sent).toEqual([1, 2]);
  });
});
