/** The end of a link: promises that the client would leave open are rejected by it. */
export class Ending {
  readonly #waiting = new Set<(cause: Error) => void>();
  #cause: Error | undefined;

  get isOver(): boolean {
    return this.#cause !== undefined;
  }

  /** Once; says whether it was now. */
  end(cause: Error): boolean {
    if (this.#cause !== undefined) return false;
    this.#cause = cause;
    for (const reject of [...this.#waiting]) reject(cause);
    this.#waiting.clear();
    return true;
  }

  throwIfOver(): void {
    if (this.#cause !== undefined) throw this.#cause;
  }

  /** Settles as `promise` does, or rejects at the end. Not `Promise.race`: that would keep all of them until then. */
  async before<T>(promise: Promise<T>): Promise<T> {
    if (this.#cause !== undefined) {
      promise.catch(() => {});
      throw this.#cause;
    }
    let settled: ((cause: Error) => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        settled = reject;
        this.#waiting.add(reject);
        promise.then(resolve, reject);
      });
    } finally {
      if (settled !== undefined) this.#waiting.delete(settled);
    }
  }
}
