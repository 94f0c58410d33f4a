/**
 * Sends what nobody waits for together: while the server has not answered such commands, further ones wait for it.
 *
 * That is Nagle's algorithm (RFC 896) with commands in the place of bytes. Where few are sent none waits. Where many are,
 * an answer lets go of all that came in the meantime, in one piece: fewer system calls here and at the server, and nodes
 * that listen get several messages at once, which they write to each of their connections together.
 */
export type Send = () => Promise<unknown>;

export class Gathered {
  readonly #waiting: Send[] = [];
  #unanswered = 0;
  /** Whether the turn of the event loop goes on in which something was sent: the client writes at its end. */
  #isLeaving = false;
  /** Whether what is added waits for answers. */
  #holds = false;

  /** Sends now or later. Where it rejects, nobody is told. */
  add(send: Send): void {
    if (this.#holds) this.#waiting.push(send);
    else this.#pass(send);
  }

  /** Sends at once what waits: something is to follow it. */
  letGo(): void {
    if (this.#waiting.length === 0) return;
    this.#holds = false;
    for (const send of this.#waiting.splice(0)) this.#pass(send);
  }

  #pass(send: Send): void {
    this.#unanswered += 1;
    if (!this.#isLeaving) setImmediate(() => this.#left());
    this.#isLeaving = true;
    const answered = (): void => this.#answered();
    send().then(answered, answered);
  }

  #left(): void {
    this.#isLeaving = false;
    this.#holds = this.#unanswered > 0;
  }

  #answered(): void {
    this.#unanswered -= 1;
    if (this.#unanswered > 0) return;
    this.#holds = false;
    this.letGo();
  }
}
