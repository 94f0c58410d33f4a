/**
 * Bounds what was published and the server has not taken.
 *
 * NATS confirms no publish, but it answers a ping after all that came before it.
 */

/** How much may be on its way, in bytes. */
const MAX_UNCONFIRMED = 16 * 1024 * 1024;
/** After how much the server is asked, in bytes: what is published now and then costs no ping. */
const ASK_AFTER = 256 * 1024;
/** What a message takes beside its payload, about, so that many empty ones are bounded too. */
const OVERHEAD = 128;

export class Window {
  readonly #ping: () => Promise<void>;
  #unconfirmed = 0;
  #isAsking = false;

  /** `ping` may reject, at the end of the link. */
  constructor(ping: () => Promise<void>) {
    this.#ping = ping;
  }

  /** False: that is more than may be on its way. */
  take(bytes: number): boolean {
    const size = bytes + OVERHEAD;
    if (this.#unconfirmed + size > MAX_UNCONFIRMED) return false;
    this.#unconfirmed += size;
    if (this.#unconfirmed >= ASK_AFTER && !this.#isAsking) {
      this.#isAsking = true;
      // After the message itself, which is handed over next.
      queueMicrotask(() => void this.#ask());
    }
    return true;
  }

  async #ask(): Promise<void> {
    try {
      while (this.#unconfirmed >= ASK_AFTER) {
        const asked = this.#unconfirmed;
        await this.#ping();
        this.#unconfirmed -= asked;
      }
      this.#isAsking = false;
    } catch {
      // The link has ended, and nothing is published on it any more.
    }
  }
}
