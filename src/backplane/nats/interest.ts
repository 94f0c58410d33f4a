/**
 * When all servers of a cluster know what this node subscribes to.
 *
 * A server that has dealt with a subscription tells the others of it, and does not
 * wait. But it tells them before it passes on what the same connection publishes
 * afterwards: a node that answers that is at a server that has heard.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Leases } from './leases.ts';
import { decoded, encoded, type Subjects } from './subjects.ts';

/** How long nodes have to answer, in ms: one that died is among them until its lease lapses. */
const ANSWERS_MS = 500;

export class Interest {
  readonly #connection: NatsConnection;
  readonly #subjects: Subjects;
  readonly #leases: Leases;
  readonly #nodeId: string;
  /** Who asked and whose answers are awaited. */
  #asking: { readonly number: string; readonly missing: Set<string>; readonly settle: () => void } | undefined;
  #count = 0;
  /** The round after the one under way, for all who came meanwhile. */
  #next: Promise<void> | undefined;
  #current: Promise<void> = Promise.resolve();

  constructor(connection: NatsConnection, subjects: Subjects, leases: Leases, nodeId: string) {
    this.#connection = connection;
    this.#subjects = subjects;
    this.#leases = leases;
    this.#nodeId = nodeId;
  }

  /** Subjects at which a node answers, and hears answers. */
  get question(): string {
    return this.#subjects.question;
  }

  get answers(): string {
    return this.#subjects.answers(this.#nodeId);
  }

  /** Another node asks: `number` comes back to it. */
  answer(sender: string, number: string): void {
    this.#connection.publish(sender, `${number} ${encoded(this.#nodeId)}`);
  }

  heard(answer: string): void {
    const [number, node = ''] = answer.split(' ');
    if (this.#asking === undefined || number !== this.#asking.number) return;
    this.#asking.missing.delete(decoded(node));
    if (this.#asking.missing.size === 0) this.#asking.settle();
  }

  /** Resolves when the servers of all living nodes know, or when those who have not answered had their time. */
  confirm(): Promise<void> {
    if (!this.#connection.info?.cluster) return Promise.resolve();
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      this.#current = this.#ask();
      return this.#current;
    });
    return this.#next;
  }

  async #ask(): Promise<void> {
    const missing = new Set(this.#leases.others());
    if (missing.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => settle(), ANSWERS_MS);
      const settle = (): void => {
        clearTimeout(timer);
        this.#asking = undefined;
        resolve();
      };
      this.#count += 1;
      this.#asking = { number: `${this.#count}`, missing, settle };
      try {
        this.#connection.publish(this.question, `${this.#count}`, { reply: this.answers });
      } catch {
        settle();
      }
    });
  }
}
