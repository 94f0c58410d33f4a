import { connect, type Client, type ConnectOptions } from './client.ts';

export interface ReturningClientEnd {
  /** How many messages were answered. */
  readonly answers: number;
  /** Whether each was answered once, in the order in which they were made. */
  readonly isInOrder: boolean;
  /** The codes that its connections were closed with before its end. */
  readonly closes: readonly number[];
}

const WINDOW = 5;

/**
 * Says numbered messages to an echo, several at a time, and comes back when it is closed, as a well-made program does:
 * with what has not been answered. A handshake that fails is an error.
 */
export class ReturningClient {
  readonly begun: Promise<void>;
  readonly #name: string;
  readonly #finished: Promise<void>;
  readonly #answers: string[] = [];
  readonly #closes: number[] = [];
  #waiting: { until: number; done: () => void } | undefined;
  #isEnding = false;

  constructor(url: string, options: ConnectOptions, name: string) {
    this.#name = name;
    this.#finished = this.#talk(url, options);
    this.begun = this.progress();
  }

  /** Waits for some more answers. */
  progress(): Promise<void> {
    const answered = new Promise<void>((done) => {
      this.#waiting = { until: this.#answers.length + 2 * WINDOW, done };
    });
    // What ends it before is an error, which is then told here.
    return Promise.race([answered, this.#finished]);
  }

  async end(): Promise<ReturningClientEnd> {
    this.#isEnding = true;
    await this.#finished;
    const isInOrder = this.#answers.every((answer, index) => answer === `${this.#name}.${index}`);
    return { answers: this.#answers.length, isInOrder, closes: this.#closes };
  }

  async #talk(url: string, options: ConnectOptions): Promise<void> {
    for (;;) {
      const client = await connect(url, options);
      if (await this.#talkOn(client)) return;
      this.#closes.push((await client.closed).code);
    }
  }

  /** Whether it has said all that it wanted to. */
  async #talkOn(client: Client): Promise<boolean> {
    let said = this.#answers.length;
    for (;;) {
      while (!this.#isEnding && said < this.#answers.length + WINDOW) client.send(`${this.#name}.${said++}`);
      if (this.#isEnding && said === this.#answers.length) return true;
      try {
        this.#answers.push(String(await client.next()));
      } catch {
        return false; // closed
      }
      if (this.#answers.length === this.#waiting?.until) this.#waiting.done();
    }
  }
}
