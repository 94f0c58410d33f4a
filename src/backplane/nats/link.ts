/**
 * One connection to NATS, and what a node does over it.
 *
 * Nothing that this connection publishes comes back to it. Messages carry their
 * payload as it is: the sender stands where NATS keeps the address for a reply,
 * and a removed group is told by a message with a header.
 */
import { headers, RequestError, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import type {
  BackplaneLink,
  BackplaneSink,
  Binding,
  Claimed,
  Generation,
  PublishOutcome,
  PushOutcome,
  Topic,
} from '../contract.ts';
import type { Bucket } from './bucket.ts';
import type { EngineClock } from './clock.ts';
import { Directory, type Owner } from './directory.ts';
import { Ending } from './ending.ts';
import { answerOf, directHead, lostFrame, readAnswer, readInboxFrame } from './frame.ts';
import { Interest } from './interest.ts';
import type { Leases } from './leases.ts';
import { Pushes, type Attempt } from './pushes.ts';
import { Removals } from './removals.ts';
import type { Subjects } from './subjects.ts';
import { Window } from './window.ts';

export interface LinkParts {
  readonly nodeId: string;
  readonly sink: BackplaneSink;
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  readonly clock: EngineClock;
  readonly leases: Leases;
  readonly buckets: Readonly<{ [Name in 'names' | 'leases' | 'removals' | 'retired']: Bucket }>;
}

/** How long the owner of a name has to answer, in ms. */
const ANSWER_MS = 2000;
const REMOVED_HEADER = 'Troupe-Removed';

export class NatsLink implements BackplaneLink {
  readonly #parts: LinkParts;
  readonly #ending = new Ending();
  readonly #directory: Directory;
  readonly #pushes: Pushes;
  readonly #removals: Removals;
  readonly #interest: Interest;
  readonly #window = new Window(() => this.#flush());
  readonly #subscriptions = new Map<Topic, Subscription>();
  readonly #sender: string;
  readonly #maxPayload: number;
  /** Before that its node is told of no end: it has no link yet. */
  #isUp = false;
  /** Those who lived when this node last swept; undefined: it has not yet. */
  #swept: ReadonlySet<string> | undefined;
  #isSweeping = false;

  constructor(parts: LinkParts) {
    const { nodeId, connection, subjects, buckets, clock } = parts;
    this.#parts = parts;
    this.#sender = subjects.sender(nodeId);
    this.#maxPayload = connection.info?.max_payload ?? 1024 * 1024;
    this.#directory = new Directory({
      nodeId,
      names: buckets.names,
      leases: buckets.leases,
      clock,
      tell: (name, owner, why) => this.#tellLost(name, owner, why),
    });
    this.#pushes = new Pushes({
      find: (name) => this.#findLiving(name),
      isTrusted: (owner) => parts.leases.wasAlive(owner.nodeId),
      send: (name, owner, payload) => this.#send(name, owner, payload),
    });
    this.#removals = new Removals({
      removals: buckets.removals,
      retired: buckets.retired,
      clock,
      tell: (group, removal) => this.#tellRemoved(group, removal),
      publish: (group, payload) => this.#publish(`g:${group}`, payload),
    });
    this.#interest = new Interest(connection, subjects, parts.leases, nodeId);
    void connection.closed().then((error) => this.#fail(error ?? new Error('NATS closed the connection')));
  }

  /** Resolves when the node has a lease and can be told things. */
  async begin(): Promise<void> {
    this.#listenTo(this.#parts.subjects.inbox(this.#parts.nodeId), (message) => this.#receiveInbox(message));
    this.#listenTo(this.#interest.question, (message) => {
      if (message.reply !== undefined) this.#interest.answer(message.reply, message.string());
    });
    this.#listenTo(this.#interest.answers, (message) => this.#interest.heard(message.string()));
    await this.#flush();
    await this.#ending.before(this.#parts.leases.register());
    this.#isUp = true;
  }

  async beat(): Promise<'held' | 'lapsed'> {
    const state = await this.#ending.before(this.#parts.leases.renew());
    if (state === 'lapsed') this.#directory.lapse();
    const alive = await this.#ending.before(this.#parts.leases.refresh());
    void this.#sweep(alive);
    return state;
  }

  async nodes(): Promise<readonly string[]> {
    return [...(await this.#ending.before(this.#parts.leases.refresh()))];
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    this.#ending.throwIfOver();
    for (const topic of topics) {
      if (this.#subscriptions.has(topic)) continue;
      const subscription = this.#listenTo(this.#parts.subjects.topic(topic), (message) =>
        this.#receive(topic, message),
      );
      this.#subscriptions.set(topic, subscription);
    }
    await this.#flush();
    await this.#ending.before(this.#interest.confirm());
  }

  unsubscribe(topics: readonly Topic[]): void {
    if (this.#ending.isOver) return;
    for (const topic of topics) {
      this.#subscriptions.get(topic)?.unsubscribe();
      this.#subscriptions.delete(topic);
    }
  }

  publish(topic: Topic, payload: Uint8Array): PublishOutcome {
    if (this.#ending.isOver) return 'down';
    if (payload.byteLength > this.#maxPayload || !this.#window.take(payload.byteLength)) return 'overloaded';
    if (!this.#removals.isIdle && topic.startsWith('g:') && this.#removals.holds(topic.slice(2), payload)) {
      return 'accepted';
    }
    return this.#publish(topic, payload) ? 'accepted' : 'down';
  }

  claim(name: string, connectionId: string): Promise<Claimed> {
    return this.#ending.before(this.#directory.claim(name, connectionId));
  }

  release(name: string, connectionId: string): Promise<boolean> {
    return this.#ending.before(this.#directory.release(name, connectionId));
  }

  remove(name: string): Promise<boolean> {
    return this.#ending.before(this.#directory.remove(name));
  }

  restore(bindings: readonly Binding[]): Promise<readonly (number | 'fenced')[]> {
    return this.#ending.before(Promise.all(bindings.map((binding) => this.#directory.restore(binding))));
  }

  async push(name: string, payload: Uint8Array): Promise<PushOutcome> {
    return this.#ending.isOver ? 'down' : this.#pushes.push(name, payload);
  }

  removeGroup(group: string, retire: boolean): Promise<number> {
    return this.#ending.before(this.#removals.remove(group, retire));
  }

  generations(groups: readonly string[]): Promise<readonly Generation[]> {
    return this.#ending.before(Promise.all(groups.map((group) => this.#removals.latest(group))));
  }

  async leave(): Promise<void> {
    try {
      await this.#ending.before(this.#directory.leave());
      await this.#ending.before(this.#parts.leases.giveUp());
      await this.#flush();
    } finally {
      this.disconnect();
    }
  }

  disconnect(): void {
    if (this.#ending.end(new Error('the link to NATS was disconnected'))) void this.#parts.connection.close();
  }

  #fail(cause: Error): void {
    if (!this.#ending.end(cause)) return;
    void this.#parts.connection.close();
    if (this.#isUp) this.#parts.sink.lost(cause);
  }

  /** When the server has dealt with all that was sent. */
  async #flush(): Promise<void> {
    this.#ending.throwIfOver();
    await this.#ending.before(this.#parts.connection.flush());
  }

  #listenTo(subject: string, receive: (message: Msg) => void): Subscription {
    return this.#parts.connection.subscribe(subject, {
      callback: (error, message) => {
        if (this.#ending.isOver) return;
        // A subscription that NATS refuses or ends: this link would miss what it promised to receive.
        if (error === null) receive(message);
        else this.#fail(error);
      },
    });
  }

  /** False: there is no connection. */
  #publish(topic: Topic, payload: Uint8Array): boolean {
    try {
      this.#parts.connection.publish(this.#parts.subjects.topic(topic), payload, { reply: this.#sender });
      return true;
    } catch {
      return false;
    }
  }

  #receive(topic: Topic, message: Msg): void {
    // What an earlier connection of this node sent may still be on its way.
    if (message.reply === this.#sender) return;
    const removal = message.headers?.get(REMOVED_HEADER);
    if (removal === undefined) {
      this.#parts.sink.message(topic, message.data);
      return;
    }
    const [generation, retired] = removal.split(' ');
    this.#parts.sink.groupRemoved(topic.slice(2), { generation: Number(generation), retired: retired === 'retired' });
  }

  #tellRemoved(group: string, { generation, retired }: Generation): void {
    this.#ending.throwIfOver();
    const head = headers();
    head.set(REMOVED_HEADER, `${generation} ${retired ? 'retired' : 'kept'}`);
    const subject = this.#parts.subjects.topic(`g:${group}`);
    this.#parts.connection.publish(subject, undefined, { reply: this.#sender, headers: head });
  }

  #receiveInbox(message: Msg): void {
    const frame = readInboxFrame(message.data);
    if (frame?.kind === 'direct') {
      const outcome = this.#parts.sink.direct(frame.name, frame.connectionId, frame.payload);
      if (!this.#ending.isOver) message.respond(answerOf(outcome));
    } else if (frame?.kind === 'lost') {
      this.#directory.lost(frame.name, frame.connectionId);
      this.#parts.sink.nameLost(frame.name, frame.connectionId, frame.epoch, frame.why);
    }
  }

  #tellLost(name: string, { nodeId, connectionId, epoch }: Owner, why: 'replaced' | 'removed'): void {
    this.#ending.throwIfOver();
    const { nodeId: mine, sink, connection, subjects } = this.#parts;
    if (nodeId === mine) sink.nameLost(name, connectionId, epoch, why);
    else connection.publish(subjects.inbox(nodeId), lostFrame(name, connectionId, epoch, why));
  }

  /** A name of a node that died is nobody's, though it may not have been swept yet. */
  async #findLiving(name: string): Promise<Owner | undefined> {
    const found = await this.#directory.find(name);
    const { owner } = found;
    if (owner === undefined || this.#parts.leases.wasAlive(owner.nodeId)) return owner;
    if (await this.#parts.leases.isAlive(owner.nodeId)) return owner;
    await this.#directory.forget(name, found);
    return undefined;
  }

  async #send(name: string, owner: Owner, payload: Uint8Array): Promise<Attempt> {
    const { nodeId, sink, connection, subjects } = this.#parts;
    if (owner.nodeId === nodeId) return sink.direct(name, owner.connectionId, payload);
    const head = directHead(name, owner.connectionId);
    if (head.byteLength + payload.byteLength > this.#maxPayload) return 'overloaded';
    try {
      const frame = Buffer.concat([head, payload]);
      const answer = await connection.request(subjects.inbox(owner.nodeId), frame, { timeout: ANSWER_MS });
      return readAnswer(answer.data) ?? 'timeout';
    } catch (error) {
      return error instanceof RequestError && error.isNoResponders() ? 'nobody' : 'timeout';
    }
  }

  /** The first of those who live takes away what those own who do not: when it comes to be first, and when one dies. */
  async #sweep(alive: ReadonlySet<string>): Promise<void> {
    const [first] = [...alive].toSorted();
    if (first !== this.#parts.nodeId) this.#swept = undefined;
    const hasDied = [...(this.#swept ?? [])].some((nodeId) => !alive.has(nodeId));
    if (first !== this.#parts.nodeId || this.#isSweeping || (this.#swept !== undefined && !hasDied)) {
      if (this.#swept !== undefined && !hasDied) this.#swept = alive;
      return;
    }
    this.#isSweeping = true;
    try {
      await this.#directory.sweep((nodeId) => this.#parts.leases.isAlive(nodeId));
      this.#swept = alive;
    } catch {
      // After the next beat again, or by another node.
    } finally {
      this.#isSweeping = false;
    }
  }
}
