/**
 * One life of a node's connection to a memory engine.
 *
 * Like a real one it has two directions, and each is a queue: what is asked is
 * carried out in order in a later turn, and what the engine says arrives in a
 * turn after that. Answers travel apart from what the sink is told, as they do
 * where an engine is spoken to on two sockets, so that the loss of a name may be
 * heard of before the answer to its claim. A link that hangs keeps both queues.
 */
import type {
  BackplaneLink,
  BackplaneSink,
  Binding,
  Claimed,
  Generation,
  PublishOutcome,
  PushOutcome,
  Topic,
} from './contract.ts';
import type { MemoryHub, MemoryTraffic } from './memory-hub.ts';

/** What the engine has not taken may be as long as this; more is `overloaded`, or costs the other side its link. */
const MAX_WAITING_BYTES = 16 * 1_048_576;

/** What an entry of a queue weighs besides its payload. */
const ENTRY_BYTES = 100;

/** So much of a queue goes on in one turn: what several links ask for is mixed, as it is on several sockets. */
const ENTRIES_A_TURN = 4;

/** The longest payload, as engines have one. */
const MAX_PAYLOAD_BYTES = 8 * 1_048_576;

interface Entry {
  readonly run: () => void;
  readonly bytes: number;
  /** Called when it will never run. */
  readonly drop?: (() => void) | undefined;
}

/** Things that happen one after another, some turns later, while nothing hangs. */
class Lane {
  readonly #isHanging: () => boolean;
  readonly #turns: number;
  #entries: Entry[] = [];
  #isScheduled = false;
  bytes = 0;

  constructor(isHanging: () => boolean, turns = 1) {
    this.#isHanging = isHanging;
    this.#turns = turns;
  }

  add(run: () => void, payloadBytes = 0, drop?: () => void): void {
    const bytes = ENTRY_BYTES + payloadBytes;
    this.bytes += bytes;
    this.#entries.push({ run, bytes, drop });
    this.go();
  }

  go(turnsLeft = this.#turns): void {
    if (this.#isScheduled || this.#entries.length === 0 || this.#isHanging()) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (turnsLeft > 1) this.go(turnsLeft - 1);
      else this.#run();
    });
  }

  clear(): void {
    const entries = this.#entries;
    this.#entries = [];
    this.bytes = 0;
    for (const { drop } of entries) drop?.();
  }

  /** Drops what somebody waits for. */
  dropAwaited(): void {
    const entries = this.#entries;
    this.#entries = entries.filter(({ drop }) => drop === undefined);
    this.bytes = this.#entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { drop } of entries) drop?.();
  }

  #run(): void {
    if (this.#isHanging()) return;
    const entries = this.#entries.splice(0, ENTRIES_A_TURN);
    for (const { bytes } of entries) this.bytes -= bytes;
    for (const { run } of entries) run();
    this.go();
  }
}

interface Pending {
  readonly settle: (error: Error) => void;
}

export class MemoryLink implements BackplaneLink {
  readonly nodeId: string;
  /** What the engine has subscribed it to. */
  readonly topics = new Set<Topic>();
  readonly #hub: MemoryHub;
  readonly #sink: BackplaneSink;
  readonly #outgoing: Lane;
  readonly #incoming: Lane;
  readonly #answers: Lane;
  readonly #pending = new Set<Pending>();
  #isUp = true;
  /** Whether the engine still knows it. */
  #isServed = true;

  constructor(hub: MemoryHub, nodeId: string, sink: BackplaneSink) {
    this.#hub = hub;
    this.nodeId = nodeId;
    this.#sink = sink;
    const isHanging = (): boolean => hub.isHanging(nodeId);
    this.#outgoing = new Lane(() => !this.#isServed || isHanging());
    this.#incoming = new Lane(isHanging);
    this.#answers = new Lane(isHanging, 2);
  }

  beat(): Promise<'held' | 'lapsed'> {
    // The probe goes the way of what the sink is told: when it is back, so is all that was said before.
    return this.#ask(() => (this.#hub.directory.renew(this.nodeId) ? 'held' : 'lapsed'), this.#incoming);
  }

  nodes(): Promise<readonly string[]> {
    return this.#ask(() => this.#hub.directory.nodes());
  }

  subscribe(topics: readonly Topic[]): Promise<void> {
    const all = [...topics];
    return this.#ask(() => {
      for (const topic of all) this.topics.add(topic);
    });
  }

  unsubscribe(topics: readonly Topic[]): void {
    if (!this.#isUp) return;
    const all = [...topics];
    this.#outgoing.add(() => {
      for (const topic of all) this.topics.delete(topic);
    });
  }

  publish(topic: Topic, payload: Uint8Array): PublishOutcome {
    const outcome = this.#takes(payload);
    if (outcome === 'accepted') {
      this.#outgoing.add(() => this.#hub.publish(this, topic, payload), payload.byteLength);
    }
    return outcome;
  }

  claim(name: string, connectionId: string): Promise<Claimed> {
    return this.#ask(() => {
      const { displaced, ...claimed } = this.#hub.directory.claim(name, this.nodeId, connectionId);
      if (displaced !== undefined && displaced.nodeId !== this.nodeId) this.#hub.tell(name, displaced, 'replaced');
      return claimed;
    });
  }

  release(name: string, connectionId: string): Promise<boolean> {
    return this.#ask(() => this.#hub.directory.release(name, this.nodeId, connectionId));
  }

  remove(name: string): Promise<boolean> {
    return this.#ask(() => {
      const owner = this.#hub.directory.remove(name);
      if (owner !== undefined) this.#hub.tell(name, owner, 'removed');
      return owner !== undefined;
    });
  }

  restore(bindings: readonly Binding[]): Promise<readonly (number | 'fenced')[]> {
    const all = [...bindings];
    return this.#ask(() =>
      all.map((binding) => {
        const { epoch, displaced } = this.#hub.directory.restore(binding, this.nodeId);
        if (displaced !== undefined) this.#hub.tell(binding.name, displaced, 'replaced');
        return epoch;
      }),
    );
  }

  push(name: string, payload: Uint8Array): Promise<PushOutcome> {
    const taken = this.#takes(payload);
    if (taken !== 'accepted') return Promise.resolve(taken);
    return new Promise((resolve) => {
      // Whether it arrived is not known when the link ends before the answer is here.
      const pending: Pending = { settle: () => resolve('timeout') };
      this.#pending.add(pending);
      const answer = (outcome: PushOutcome): void => {
        this.#answers.add(() => {
          this.#pending.delete(pending);
          resolve(outcome);
        });
      };
      this.#outgoing.add(() => this.#hub.push(name, payload, answer), payload.byteLength);
    });
  }

  removeGroup(group: string, retire: boolean): Promise<number> {
    return this.#ask(() => {
      const removal = this.#hub.directory.removeGroup(group, retire);
      this.#hub.groupRemoved(this, group, removal);
      return removal.generation;
    });
  }

  generations(groups: readonly string[]): Promise<readonly Generation[]> {
    const all = [...groups];
    return this.#ask(() => all.map((group) => this.#hub.directory.generationOf(group)));
  }

  async leave(): Promise<void> {
    await this.#ask(() => {
      this.#hub.directory.giveUp(this.nodeId);
      this.#hub.links.delete(this);
      this.#isServed = false;
    });
    this.disconnect();
  }

  disconnect(): void {
    this.#end(new Error('The link was disconnected.'));
  }

  /** The engine says something to the node, after all that it said before. `drop`: it will not be said any more. */
  hear(kind: keyof MemoryTraffic, tell: (sink: BackplaneSink) => void, payloadBytes = 0, drop?: () => void): void {
    if (this.#incoming.bytes + payloadBytes > MAX_WAITING_BYTES) {
      drop?.();
      this.lose(new Error('The node takes less than it is sent.'));
      return;
    }
    const run = (): void => {
      if (!this.#isUp) return drop?.();
      this.#hub.count(this.nodeId, kind);
      tell(this.#sink);
    };
    this.#incoming.add(run, payloadBytes, drop);
  }

  /** The engine ends the link. A node that is cut off hears of it when it is healed. */
  lose(cause: Error): void {
    this.#isServed = false;
    this.#hub.links.delete(this);
    for (const lane of [this.#outgoing, this.#incoming, this.#answers]) lane.clear();
    this.#incoming.add(() => {
      if (!this.#isUp) return;
      this.#end(cause);
      this.#sink.lost(cause);
    });
  }

  /** The node cannot be reached: whoever waits for what it says is answered. */
  hang(): void {
    this.#incoming.dropAwaited();
  }

  /** What hung goes on. */
  go(): void {
    for (const lane of [this.#outgoing, this.#incoming, this.#answers]) lane.go();
  }

  #takes(payload: Uint8Array): PublishOutcome {
    if (!this.#isUp) return 'down';
    if (payload.byteLength > MAX_PAYLOAD_BYTES) return 'overloaded';
    return this.#outgoing.bytes + payload.byteLength > MAX_WAITING_BYTES ? 'overloaded' : 'accepted';
  }

  #ask<T>(perform: () => T, back = this.#answers): Promise<T> {
    if (!this.#isUp) return Promise.reject(new Error('There is no connection to the engine.'));
    return new Promise((resolve, reject) => {
      const pending: Pending = { settle: reject };
      this.#pending.add(pending);
      this.#outgoing.add(() => {
        const answer = perform();
        back.add(() => {
          this.#pending.delete(pending);
          resolve(answer);
        });
      });
    });
  }

  #end(cause: Error): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#isServed = false;
    this.#hub.links.delete(this);
    this.#hub.unended.delete(this);
    for (const lane of [this.#outgoing, this.#incoming, this.#answers]) lane.clear();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const { settle } of pending) settle(cause);
  }
}
