/** A queue to await: what arrives is kept, in order, until the test asks for it. */
export class Inbox<T> {
  /** Everything that ever arrived. */
  readonly all: T[] = [];
  #taken = 0;
  #ended: Error | undefined;
  readonly #waiting: { resolve: (value: T) => void; reject: (error: Error) => void }[] = [];

  push(value: T): void {
    this.all.push(value);
    const first = this.#waiting.shift();
    if (first === undefined) return;
    this.#taken += 1;
    first.resolve(value);
  }

  /** Nothing more will come: whoever waits, or asks later, gets the error. */
  end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  next(): Promise<T> {
    if (this.#taken < this.all.length) {
      const value = this.all[this.#taken] as T;
      this.#taken += 1;
      return Promise.resolve(value);
    }
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Takes values until one fits, which it returns. */
  async until(fits: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = await this.next();
      if (fits(value)) return value;
    }
  }

  /** What has arrived and was not asked for yet. */
  get unread(): readonly T[] {
    return this.all.slice(this.#taken);
  }
}

/** A promise with its two ends in the open. */
export interface Gate<T = void> {
  readonly opened: Promise<T>;
  open(value: T): void;
  fail(error: Error): void;
}

export function createGate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const opened = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open: (value) => open(value), fail: (error) => fail(error) };
}

/** One turn of the event loop: every socket is looked at once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await turn();
}
