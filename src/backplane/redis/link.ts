/** One life of a node's connections to Redis: what the contract asks for, in commands and messages. */
import { randomUUID } from 'node:crypto';
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
import { Connections } from './connections.ts';
import { isFrom, messageFrame, readGeneration, readInboxFrame, readTopicFrame, type InboxFrame } from './frames.ts';
import { channelOf, escapeText, generationKey, inboxOf, tagOf } from './keys.ts';
import type { Settings } from './options.ts';
import * as lua from './scripts.ts';
import { Subscriptions } from './subscriptions.ts';

/** An hour more than a day. */
const REMOVAL_KEPT_MS = 25 * 60 * 60 * 1000;

interface Probe {
  readonly heard: () => void;
  readonly failed: (cause: unknown) => void;
}

export class RedisLink implements BackplaneLink {
  readonly #settings: Settings;
  readonly #nodeId: string;
  readonly #tag: Buffer;
  /** Which one it is of those of its node: greater than any before, by the clock that only goes forward. */
  readonly #order = String(Math.floor(performance.now() * 1000));
  readonly #sink: BackplaneSink;
  readonly #connections: Connections;
  readonly #probes = new Map<string, Probe>();
  #subscriptions: Subscriptions | undefined;
  /** Whether its end is to be told: it is connected, and nobody has disconnected it. */
  #isUp = false;

  constructor(settings: Settings, nodeId: string, sink: BackplaneSink) {
    this.#settings = settings;
    this.#nodeId = nodeId;
    this.#tag = tagOf(nodeId);
    this.#sink = sink;
    this.#connections = new Connections(settings.server, (cause) => this.#ended(cause));
  }

  /** Rejects with what went wrong, and has then cut everything. */
  async connect(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { prefix, connectTimeoutMs } = this.#settings;
    let why: { readonly cause: unknown } | undefined;
    const giveUp = (cause: unknown): void => {
      why ??= { cause };
      this.#connections.end(cause);
    };
    const aborted = (): void => giveUp(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    const tooLate = (): void => giveUp(new Error(`Redis did not answer within ${connectTimeoutMs} ms.`));
    const timer = setTimeout(tooLate, connectTimeoutMs);
    try {
      const listening = await this.#connections.open();
      const channel = (topic: Topic): string => channelOf(prefix, topic);
      this.#subscriptions = new Subscriptions(listening, channel, (topic, frame) => this.#hear(topic, frame));
      await listening.subscribe(inboxOf(prefix, this.#nodeId), (frame) => this.#hearInbox(frame), true);
      // Only who hears the probe is connected: both go to the same server, and both ways are open.
      await this.beat();
      this.#isUp = true;
    } catch (error) {
      giveUp(error);
      throw why?.cause;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
  }

  #ended(cause: unknown): void {
    for (const { failed } of this.#probes.values()) failed(cause);
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#sink.lost(cause);
  }

  async beat(): Promise<'held' | 'lapsed'> {
    const token = randomUUID();
    const { leaseMs } = this.#settings;
    const heard = new Promise<void>((heard, failed) => this.#probes.set(token, { heard, failed }));
    try {
      const [wasHeld] = await Promise.all([this.#change(lua.BEAT, String(leaseMs), token), heard]);
      return wasHeld === 1 ? 'held' : 'lapsed';
    } finally {
      this.#probes.delete(token);
    }
  }

  async nodes(): Promise<readonly string[]> {
    return (await this.#connections.run(lua.NODES, [this.#settings.prefix])) as string[];
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    if (this.#connections.isOver || this.#subscriptions === undefined) throw new Error('The link to Redis has ended.');
    await this.#subscriptions.subscribe(topics);
  }

  unsubscribe(topics: readonly Topic[]): void {
    if (!this.#connections.isOver) this.#subscriptions?.unsubscribe(topics);
  }

  publish(topic: Topic, payload: Uint8Array): PublishOutcome {
    const connections = this.#connections;
    if (connections.isOver) return 'down';
    const bytes = payload.byteLength;
    if (!connections.hasRoomFor(bytes)) return 'overloaded';
    const channel = channelOf(this.#settings.prefix, topic);
    // Refused by the server, or lost with the link: at most once.
    connections.post(['PUBLISH', channel, messageFrame(this.#tag, payload)], bytes);
    return 'accepted';
  }

  async claim(name: string, connectionId: string): Promise<Claimed> {
    const answer = await this.#change(lua.CLAIM, escapeText(name), connectionId);
    const [epoch, nodeId, previous] = answer as [number, string?, string?];
    if (nodeId === undefined || previous === undefined) return { epoch };
    return { epoch, previous: { nodeId, connectionId: previous } };
  }

  async release(name: string, connectionId: string): Promise<boolean> {
    return (await this.#change(lua.RELEASE, escapeText(name), connectionId)) === 1;
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#change(lua.REMOVE, escapeText(name))) === 1;
  }

  async restore(bindings: readonly Binding[]): Promise<readonly (number | 'fenced')[]> {
    if (bindings.length === 0) return [];
    const parameters = bindings.flatMap(({ name, connectionId, epoch }) => [
      escapeText(name),
      connectionId,
      String(epoch),
    ]);
    const epochs = (await this.#change(lua.RESTORE, ...parameters)) as number[];
    return epochs.map((epoch) => (epoch === 0 ? 'fenced' : epoch));
  }

  async push(name: string, payload: Uint8Array): Promise<PushOutcome> {
    const connections = this.#connections;
    if (connections.isOver) return 'down';
    const bytes = payload.byteLength;
    if (!connections.hasRoomFor(bytes)) return 'overloaded';
    const data = Buffer.from(payload.buffer, payload.byteOffset, bytes);
    try {
      const listeners = await connections.run(lua.PUSH, [this.#settings.prefix, escapeText(name), data], bytes);
      if (listeners === -1) return 'unknown';
      return listeners === 0 ? 'unreachable' : 'accepted';
    } catch {
      // Without an answer it may have arrived; an answer that is an error says that it did not.
      return connections.isOver ? 'timeout' : 'overloaded';
    }
  }

  async removeGroup(group: string, retire: boolean): Promise<number> {
    const channel = channelOf(this.#settings.prefix, `g:${group}`);
    const keptMs = String(REMOVAL_KEPT_MS);
    return (await this.#change(lua.DROP, escapeText(group), channel, this.#tag, keptMs, retire ? '1' : '0')) as number;
  }

  async generations(groups: readonly string[]): Promise<readonly Generation[]> {
    if (groups.length === 0) return [];
    const keys = groups.map((group) => generationKey(this.#settings.prefix, group));
    const values = (await this.#connections.send(['MGET', ...keys], 0)) as (string | null)[];
    return values.map(readGeneration);
  }

  async leave(): Promise<void> {
    let taken = lua.NAMES_AT_ONCE;
    while (taken === lua.NAMES_AT_ONCE) taken = (await this.#change(lua.LEAVE)) as number;
    this.disconnect();
  }

  disconnect(): void {
    this.#isUp = false;
    this.#connections.end(new Error('The link to Redis was disconnected.'));
  }

  /** What is done for the latest link of the node alone. Rejects for any other, and when the lease has lapsed. */
  #change(script: lua.Script, ...parameters: readonly (string | Buffer)[]): Promise<unknown> {
    return this.#connections.run(script, [this.#settings.prefix, this.#nodeId, this.#order, ...parameters]);
  }

  #hear(topic: Topic, frame: Buffer): void {
    if (!this.#isUp || isFrom(this.#tag, frame)) return;
    const content = readTopicFrame(frame);
    if (content === undefined) return;
    if (content instanceof Uint8Array) this.#sink.message(topic, content);
    else if (topic.startsWith('g:')) this.#sink.groupRemoved(topic.slice(2), content);
  }

  #hearInbox(frame: Buffer): void {
    if (this.#connections.isOver) return;
    const heard = readInboxFrame(frame);
    if (heard === undefined) return;
    if (heard.kind === 'probe') this.#probes.get(heard.token)?.heard();
    else if (heard.kind === 'direct') this.#handOver(heard);
    else this.#sink.nameLost(heard.name, heard.connectionId, heard.epoch, heard.why);
  }

  #handOver({ name, connectionId, payload }: Extract<InboxFrame, { kind: 'direct' }>): void {
    const outcome = this.#sink.direct(name, connectionId, payload);
    // A failover has forgotten that the name was given up: others would be told for good that somebody has it.
    if (outcome === 'moved' && this.#isUp) this.release(name, connectionId).catch(() => {});
  }
}
