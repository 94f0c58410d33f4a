/** A node of a conformance case: a link with a sink that writes down what it is told. */
import assert from 'node:assert/strict';
import type {
  Backplane,
  BackplaneLink,
  BackplaneSink,
  DirectOutcome,
  Generation,
  Topic,
} from '../backplane/contract.ts';

export type Heard =
  | { readonly type: 'message'; readonly topic: Topic; readonly payload: Uint8Array }
  | { readonly type: 'direct'; readonly name: string; readonly connectionId: string; readonly payload: Uint8Array }
  | {
      readonly type: 'nameLost';
      readonly name: string;
      readonly connectionId: string;
      readonly epoch: number;
      readonly why: 'replaced' | 'removed';
    }
  | { readonly type: 'groupRemoved'; readonly group: string; readonly removal: Generation }
  | { readonly type: 'lost'; readonly cause: unknown };

type Of<Type extends Heard['type']> = Extract<Heard, { readonly type: Type }>;

/** Writes down what a link says. */
export class Listener implements BackplaneSink {
  readonly all: Heard[] = [];
  /** What it answers to direct pushes. */
  answer: DirectOutcome = 'delivered';
  readonly #waiting = new Set<() => void>();

  message(topic: Topic, payload: Uint8Array): void {
    this.#hear({ type: 'message', topic, payload });
  }

  direct(name: string, connectionId: string, payload: Uint8Array): DirectOutcome {
    this.#hear({ type: 'direct', name, connectionId, payload });
    return this.answer;
  }

  nameLost(name: string, connectionId: string, epoch: number, why: 'replaced' | 'removed'): void {
    this.#hear({ type: 'nameLost', name, connectionId, epoch, why });
  }

  groupRemoved(group: string, removal: Generation): void {
    this.#hear({ type: 'groupRemoved', group, removal });
  }

  lost(cause: unknown): void {
    this.#hear({ type: 'lost', cause });
  }

  of<Type extends Heard['type']>(type: Type): Of<Type>[] {
    return this.all.filter((heard): heard is Of<Type> => heard.type === type);
  }

  /** Resolves with all of that type once there are so many. The case as a whole is bounded in time. */
  async until<Type extends Heard['type']>(type: Type, count: number): Promise<Of<Type>[]> {
    while (this.of(type).length < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
    return this.of(type);
  }

  /** `type name` of all that was heard: what a failed case shows. */
  summary(): string[] {
    return this.all.map(({ type }) => type);
  }

  #hear(heard: Heard): void {
    this.all.push(heard);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

export interface ConformanceNode {
  readonly id: string;
  readonly link: BackplaneLink;
  readonly listener: Listener;
  /** Beats no more: the case wants the lease to lapse. */
  silence(): void;
}

/** Often enough for leases of a second. */
const BEAT_MS = 300;

let made = 0;

/** A name that no other case has, of this process or of any. */
export function fresh(what: string): string {
  made += 1;
  return `${what}-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}-${made}`;
}

/** What one case has: nodes that are disconnected when it is over. */
export class Stage {
  readonly #make: () => Backplane | Promise<Backplane>;
  readonly #links: BackplaneLink[] = [];
  readonly #ends: (() => unknown)[] = [];
  #isOver = false;

  constructor(make: () => Backplane | Promise<Backplane>) {
    this.#make = make;
  }

  async node(id = fresh('node'), make = this.#make): Promise<ConformanceNode> {
    const backplane = await make();
    const listener = new Listener();
    const link = await backplane.connect(id, listener, new AbortController().signal);
    if (this.#isOver) link.disconnect();
    this.#links.push(link);
    const silence = beatOnAndOn(link);
    this.atEnd(silence);
    return { id, link, listener, silence };
  }

  async nodes(count: number): Promise<ConformanceNode[]> {
    return Promise.all(Array.from({ length: count }, async () => this.node()));
  }

  backplane(): Backplane | Promise<Backplane> {
    return this.#make();
  }

  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Leaves, so that a shared engine keeps nothing; a link that cannot any more is disconnected. */
  async end(patienceMs: number): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#links.map((link) => within(patienceMs, 'leave()', link.leave())));
    for (const link of this.#links) link.disconnect();
    for (const end of this.#ends.toReversed()) await end();
  }
}

/** As the runtime does, so that a case may take longer than a lease. */
function beatOnAndOn(link: BackplaneLink): () => void {
  const timer = setInterval(() => void link.beat().catch(() => clearInterval(timer)), BEAT_MS);
  return () => clearInterval(timer);
}

/**
 * Resolves when nothing that these nodes did is under way any more between them: once a node's beat has been there and
 * back, the engine has all that the node sent before; once another's has, it has heard all that the engine had for it.
 */
export async function quiet(...nodes: readonly ConformanceNode[]): Promise<void> {
  for (let round = 0; round < 2; round++) await Promise.all(nodes.map(({ link }) => link.beat()));
}

/** Rejects when `promise` takes longer. */
export async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `${what} took over ${limitMs} ms` })),
      limitMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until the answer is one of those: for what an engine notices a little later. */
export async function eventually<T>(ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  const endsAt = Date.now() + 12_000;
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    assert.ok(Date.now() < endsAt, `the answer is still ${String(answer)} after 12 s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

export function bytes(text: string | number): Uint8Array {
  return new TextEncoder().encode(String(text));
}

export function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

/** Names and topics that an engine may take for something else: patterns, separators, keys of objects, not only ASCII. */
export function oddNames(): string[] {
  const unique = fresh('odd');
  return [
    ...[
      'a b',
      ' a',
      'a ',
      '*',
      '>',
      '?',
      '[ab]',
      '.',
      '..',
      'a.b',
      'a.*',
      'a.>',
      '$SYS',
      'a/b',
      '\\',
      '{a}',
      '%20',
      '"',
    ],
    ...["'", 'a\nb', 'a\r\nb', '\t', '\0', '__proto__', 'constructor', 'é', 'e\u0301', '名', '🎭', 'A', 'a'],
  ].map((name) => `${name}${unique}${name}`);
}

/** Two names of 512 bytes of UTF-8 that no other case has; they differ in the last byte only. */
export function longestNames(): [string, string] {
  const unique = fresh('long');
  const accents = 'é'.repeat(Math.floor((511 - unique.length) / 2));
  const start = unique + accents + '.'.repeat(511 - unique.length - 2 * accents.length);
  return [`${start}x`, `${start}y`];
}

/** Which of the nodes, and which connection, a push to the name comes to: who owns it. */
export async function ownerOf(
  name: string,
  asking: ConformanceNode,
  nodes: readonly ConformanceNode[],
): Promise<string> {
  const seen = new Set(nodes.flatMap(({ listener }) => listener.of('direct')));
  const outcome = await asking.link.push(name, bytes('who?'));
  if (outcome !== 'delivered' && outcome !== 'accepted') return outcome;
  for (;;) {
    for (const { listener, id } of nodes) {
      const got = listener.of('direct').find((direct) => !seen.has(direct) && direct.name === name);
      if (got !== undefined) return `${id} ${got.connectionId}`;
    }
    // It was handed over and is still under way. The links end when the time of the case is over.
    await Promise.all(nodes.map(({ link }) => link.beat()));
  }
}
