/** Does what concerns one name one after another, and what concerns several at once. */
export class Lanes<Memo> {
  readonly #lanes = new Map<string, Lane<Memo>>();

  /** `task` runs when all before it have settled. What it leaves in `lane.memo`, the next finds, if one waits already. */
  run<T>(name: string, task: (lane: { memo: Memo | undefined }) => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(name) ?? { memo: undefined, waiting: 0, last: Promise.resolve() };
    this.#lanes.set(name, lane);
    lane.waiting += 1;
    const done = lane.last.then(async () => {
      try {
        return await task(lane);
      } catch (error) {
        lane.memo = undefined;
        throw error;
      } finally {
        lane.waiting -= 1;
        if (lane.waiting === 0) this.#lanes.delete(name);
      }
    });
    lane.last = done.catch(() => {});
    return done;
  }
}

interface Lane<Memo> {
  memo: Memo | undefined;
  waiting: number;
  last: Promise<unknown>;
}
