/** Something that is counted, and those who wait until it comes to a number. */
export class Count {
  #value = 0;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  add(): void {
    this.#value++;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(({ count }) => count <= this.#value);
    this.#waiting = this.#waiting.filter(({ count }) => count > this.#value);
    for (const { resolve } of due) resolve();
  }

  /** @throws {RangeError} There are more already. */
  async reaches(count: number): Promise<void> {
    if (this.#value < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    if (this.#value > count) throw new RangeError(`there are ${this.#value}, not ${count}`);
  }
}
