/**
 * Keeps a number of workers at work.
 *
 * Theory of operation
 *
 * There is a post for each worker. The first worker is started alone: what is
 * wrong with the module is told once, and nothing is tried again. When it
 * listens, the other posts are filled. A worker that dies is followed by
 * another, after a wait that doubles with each that dies soon after the one
 * before; after too many of them the whole crew ends, and whoever started it may
 * decide. One that drains of itself is followed at once. A restart fills each
 * post anew before its former worker is told to leave, and stops when that
 * fails, so that workers which serve are never given up for some that do not.
 */

/** A worker. */
export interface Member {
  readonly id: number;
  watch(on: {
    listening(url: string): void;
    /** It closes without having been told to. */
    draining(): void;
    ended(code: number | null, signal: string | null): void;
  }): void;
  /** Tells it to drain and end. */
  close(restarting: boolean): void;
  /** No more connections are given to it. */
  withdraw(): void;
  kill(): void;
}

export interface CrewParts {
  readonly count: number;
  readonly fork: () => Member;
  /** Calls `then` in so many ms, unless what it returns is called before. */
  readonly after: (ms: number, then: () => void) => () => void;
  readonly now: () => number;
  /** How long a worker that was told to close may take; then it is killed. */
  readonly endWithinMs: number;
  /** All listen for the first time. */
  readonly announce: (url: string) => void;
  /** Something that operators want to know. */
  readonly report: (text: string) => void;
}

/** One that dies earlier after it was started counts as dying at once. */
const STEADY_MS = 10_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** So many at one post, one after another, each dying at once: the crew gives up. */
const MAX_DEATHS = 10;

interface Post {
  worker: Hand | undefined;
  /** How many died at once, without one between them that did not. */
  deaths: number;
  cancelWait: () => void;
}

/** A worker, and what becomes of it. */
interface Hand {
  readonly member: Member;
  readonly since: number;
  /** Where it listens, or the exit code of one that never did. */
  readonly started: Promise<string | number>;
  readonly ended: Promise<void>;
}

export class Crew {
  readonly #parts: CrewParts;
  readonly #posts: readonly Post[];
  readonly #living = new Set<Hand>();
  readonly #everListened = new Set<Post>();
  #isEnding = false;
  #code = 0;
  #isRestarting = false;
  #isRestartAsked = false;
  #finish: () => void = () => {};

  constructor(parts: CrewParts) {
    this.#parts = parts;
    const empty = (): Post => ({ worker: undefined, deaths: 0, cancelWait: () => {} });
    this.#posts = Array.from({ length: parts.count }, empty);
  }

  /** Resolves with the exit code when all workers have ended. */
  async run(): Promise<number> {
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    const [first, ...others] = this.#posts as [Post, ...Post[]];
    const started = await this.#fill(first).started;
    if (typeof started === 'number') this.#end(started);
    if (!this.#isEnding) for (const post of others) this.#fill(post);
    await finished;
    return this.#code;
  }

  /** Drains all, and starts none any more. */
  end(): void {
    this.#end(0);
  }

  kill(): void {
    for (const { member } of this.#living) member.kill();
  }

  /** Replaces the workers, one after another. Asked for during a restart: once more after it. */
  async restart(): Promise<void> {
    this.#isRestartAsked = true;
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    while (this.#isRestartAsked) {
      this.#isRestartAsked = false;
      // oxlint-disable-next-line no-await-in-loop -- one after another
      await this.#replaceAll();
    }
    this.#isRestarting = false;
  }

  async #replaceAll(): Promise<void> {
    for (const post of this.#posts) {
      // Until the first listens there is nothing to replace.
      if (this.#isEnding || !this.#everListened.has(post)) return;
      const hand = this.#fork();
      // oxlint-disable-next-line no-await-in-loop -- one after another
      const started = await hand.started;
      if (this.#isEnding) return;
      if (typeof started === 'number') {
        this.#parts.report(`Worker ${hand.member.id} ended before it listened: nothing more is restarted.`);
        return;
      }
      const former = post.worker;
      this.#place(post, hand);
      post.deaths = 0;
      if (former === undefined) continue;
      former.member.withdraw();
      this.#dismiss(former, true);
      // oxlint-disable-next-line no-await-in-loop -- one after another
      await former.ended;
    }
  }

  #fill(post: Post): Hand {
    const hand = this.#fork();
    this.#place(post, hand);
    void this.#hear(post, hand);
    return hand;
  }

  async #hear(post: Post, hand: Hand): Promise<void> {
    const started = await hand.started;
    if (typeof started === 'number' || this.#everListened.size === this.#posts.length) return;
    this.#everListened.add(post);
    if (this.#everListened.size === this.#posts.length) this.#parts.announce(started);
  }

  #place(post: Post, hand: Hand): void {
    post.cancelWait();
    post.worker = hand;
  }

  #fork(): Hand {
    const member = this.#parts.fork();
    const since = this.#parts.now();
    let hasStarted: (started: string | number) => void = () => {};
    let hasEnded = (): void => {};
    const started = new Promise<string | number>((resolve) => (hasStarted = resolve));
    const ended = new Promise<void>((resolve) => (hasEnded = resolve));
    const hand: Hand = { member, since, started, ended };
    this.#living.add(hand);
    member.watch({
      listening: hasStarted,
      draining: () => this.#left(hand),
      ended: (code, signal) => {
        this.#living.delete(hand);
        // One that ended without a word has failed, too.
        hasStarted(code === null || code === 0 ? 1 : code);
        hasEnded();
        this.#died(hand, signal ?? `exit code ${code ?? 'unknown'}`);
      },
    });
    return hand;
  }

  /** Somebody else told it to close: what is left of it is only to end. */
  #left(hand: Hand): void {
    const post = this.#postOf(hand);
    if (post === undefined || this.#isEnding) return;
    this.#fill(post);
    hand.member.withdraw();
    this.#killLater(hand);
  }

  #died(hand: Hand, how: string): void {
    if (this.#isEnding) {
      if (this.#living.size === 0) this.#finish();
      return;
    }
    const post = this.#postOf(hand);
    // The very first one is not followed: run() ends with its exit code.
    if (post === undefined || (this.#everListened.size === 0 && post === this.#posts[0])) return;
    const { now, after, report } = this.#parts;
    const isEarly = now() - hand.since < STEADY_MS;
    post.deaths = isEarly ? post.deaths + 1 : 1;
    if (post.deaths >= MAX_DEATHS) {
      report(`Worker ${hand.member.id} ended (${how}), the ${post.deaths}th in succession: giving up.`);
      this.#end(1);
      return;
    }
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (post.deaths - 1), LONGEST_WAIT_MS);
    report(`Worker ${hand.member.id} ended (${how}); another one is started in ${waitMs} ms.`);
    post.worker = undefined;
    post.cancelWait = after(waitMs, () => this.#fill(post));
  }

  #end(code: number): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#code = code;
    for (const post of this.#posts) post.cancelWait();
    for (const hand of this.#living) this.#dismiss(hand, false);
    if (this.#living.size === 0) this.#finish();
  }

  #dismiss(hand: Hand, restarting: boolean): void {
    hand.member.close(restarting);
    this.#killLater(hand);
  }

  #killLater(hand: Hand): void {
    const { after, endWithinMs, report } = this.#parts;
    const cancel = after(endWithinMs, () => {
      report(`Worker ${hand.member.id} has not ended in time and is killed.`);
      if (this.#isEnding) this.#code = 1;
      hand.member.kill();
    });
    void hand.ended.then(cancel);
  }

  #postOf(hand: Hand): Post | undefined {
    return this.#posts.find(({ worker }) => worker === hand);
  }
}
