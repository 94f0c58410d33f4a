/**
 * Which topics a link receives.
 *
 * One step at a time for each topic: the client loses a subscription that is asked for while it takes an earlier one
 * back, when that began before the one before it was confirmed.
 */
import type { Topic } from '../contract.ts';
import type { Client } from './client.ts';

interface Subscription {
  wanted: boolean;
  confirmed: boolean;
  readonly listener: (frame: Buffer) => void;
  settling: Promise<void> | undefined;
}

export class Subscriptions {
  readonly #subscriptions = new Map<Topic, Subscription>();
  readonly #client: Client;
  readonly #channelOf: (topic: Topic) => string;
  readonly #heard: (topic: Topic, frame: Buffer) => void;

  constructor(client: Client, channelOf: (topic: Topic) => string, heard: (topic: Topic, frame: Buffer) => void) {
    this.#client = client;
    this.#channelOf = channelOf;
    this.#heard = heard;
  }

  /** Resolves when the server has confirmed all. */
  async subscribe(topics: readonly Topic[]): Promise<void> {
    await Promise.all(topics.map((topic) => this.#want(topic)));
  }

  unsubscribe(topics: readonly Topic[]): void {
    for (const topic of topics) {
      const subscription = this.#subscriptions.get(topic);
      if (subscription === undefined) continue;
      subscription.wanted = false;
      // That it failed is known already: the link is lost.
      this.#settled(topic, subscription).catch(() => {});
    }
  }

  #want(topic: Topic): Promise<void> {
    let subscription = this.#subscriptions.get(topic);
    if (subscription === undefined) {
      const made: Subscription = {
        wanted: true,
        confirmed: false,
        listener: (frame) => {
          if (made.wanted) this.#heard(topic, frame);
        },
        settling: undefined,
      };
      subscription = made;
      this.#subscriptions.set(topic, subscription);
    }
    subscription.wanted = true;
    return this.#settled(topic, subscription);
  }

  #settled(topic: Topic, subscription: Subscription): Promise<void> {
    if (subscription.settling !== undefined) return subscription.settling;
    if (subscription.wanted === subscription.confirmed) return Promise.resolve();
    subscription.settling = this.#settle(topic, subscription);
    return subscription.settling;
  }

  async #settle(topic: Topic, subscription: Subscription): Promise<void> {
    const channel = this.#channelOf(topic);
    try {
      while (subscription.wanted !== subscription.confirmed) {
        if (subscription.wanted) {
          await this.#client.subscribe(channel, subscription.listener, true);
          subscription.confirmed = true;
        } else {
          await this.#client.unsubscribe(channel, subscription.listener, true);
          subscription.confirmed = false;
        }
      }
    } finally {
      subscription.settling = undefined;
      if (!subscription.confirmed) this.#subscriptions.delete(topic);
    }
  }
}
