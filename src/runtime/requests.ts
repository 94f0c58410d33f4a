/**
 * The requests of a service to one connection that wait for their replies.
 *
 * Bounded in number and, by the timer wheel, in time. Whatever happens each ends exactly once: with the reply, or with
 * an error that has a code.
 */
import { TroupeError } from '../errors.ts';
import type { MessageCodec, StandardResult } from '../service/message-codec.ts';
import { textOfIssues } from '../service/message-issues.ts';
import type { DeliveryStatus } from '../service/outcome.ts';
import { Deadline, type TimerWheel } from './timer-wheel.ts';

interface Waiting {
  readonly type: string;
  readonly deadline: Deadline;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** It has its reply, which a schema may take its time to check: no other one is taken, and the deadline stands. */
  isAnswered: boolean;
}

/** The connection that is asked. */
export interface Asked {
  sendRequest(text: string): DeliveryStatus;
  /** It answered with what the schema refuses. */
  repliedInvalidly(type: string, issues: number): void;
}

export class Requests {
  readonly #codec: MessageCodec;
  readonly #wheel: TimerWheel;
  readonly #maxRequests: number;
  readonly #waiting = new Map<number, Waiting>();
  /** The errors of those that `end` has ended. */
  readonly #ended = new WeakSet();
  #lastId = 0;

  constructor(codec: MessageCodec, wheel: TimerWheel, maxRequests = 64) {
    this.#codec = codec;
    this.#wheel = wheel;
    this.#maxRequests = maxRequests;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** @throws {TroupeTypeError} `TROUPE_MESSAGE_INVALID` when `message` is no declared request, or fails its schema */
  ask(asked: Asked, message: object, timeoutMs: number): Promise<unknown> {
    const codec = this.#codec;
    const request = codec.requestTypeOf(message);
    const maxRequests = this.#maxRequests;
    if (this.#waiting.size >= maxRequests) {
      return quietly(Promise.reject(new TroupeError('TROUPE_REQUESTS_EXCEEDED', { request, maxRequests })));
    }
    const id = ++this.#lastId;
    const status = asked.sendRequest(codec.encodeRequest(message, id));
    if (status !== 'delivered' && status !== 'accepted') {
      return quietly(Promise.reject(new TroupeError('TROUPE_REQUEST_UNSENT', { request, status })));
    }
    return quietly(
      new Promise((resolve, reject) => {
        const deadline = new Deadline(this.#wheel, () => {
          this.#waiting.delete(id);
          reject(new TroupeError('TROUPE_REQUEST_TIMED_OUT', { request, timeoutMs }));
        });
        deadline.set(timeoutMs);
        this.#waiting.set(id, { type: request, deadline, resolve, reject, isAnswered: false });
      }),
    );
  }

  /** Takes a text frame if it answers a request that waits. */
  takes(asked: Asked, text: string): boolean {
    const answered = this.#codec.readAnswer(text);
    const waiting = answered && this.#waiting.get(answered.id);
    if (answered === undefined || waiting === undefined || waiting.isAnswered) return false;
    const { id, error, result } = answered;
    if (error !== undefined) {
      this.#forget(id, waiting);
      waiting.reject(new TroupeError('TROUPE_REQUEST_REFUSED', { request: waiting.type, answer: error }));
    } else {
      waiting.isAnswered = true;
      this.#check(asked, id, waiting, result);
    }
    return true;
  }

  /** The connection has ended, or who asked: so have they. */
  end(): void {
    for (const { type, deadline, reject } of this.#waiting.values()) {
      deadline.cancel();
      const error = new TroupeError('TROUPE_REQUEST_ENDED', { request: type });
      this.#ended.add(error);
      reject(error);
    }
    this.#waiting.clear();
  }

  /** Whether `error` says no more than that. */
  hasEnded(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#ended.has(error);
  }

  #check(asked: Asked, id: number, waiting: Waiting, result: unknown): void {
    const { type, resolve, reject } = waiting;
    const decide = (checked: StandardResult): void => {
      // Its time was over, or its connection at its end, before the schema had answered.
      if (!this.#forget(id, waiting)) return;
      if (checked.issues === undefined) {
        resolve(checked.value);
        return;
      }
      asked.repliedInvalidly(type, checked.issues.length);
      const reason = textOfIssues(checked.issues);
      reject(new TroupeError('TROUPE_REPLY_INVALID', { request: type, reason }));
    };
    const failed = (error: unknown): void => {
      this.#forget(id, waiting);
      reject(error);
    };
    // A schema may answer at once or later, and may throw either way, or answer what is no answer.
    new Promise<StandardResult>((checked) => {
      checked(this.#codec.checkReply(type, result));
    })
      .then(decide)
      .catch(failed);
  }

  /** Whether it was still waited for. */
  #forget(id: number, waiting: Waiting): boolean {
    waiting.deadline.cancel();
    return this.#waiting.delete(id);
  }
}

/** A promise that may be left alone: nobody has to look at how a request ended. */
function quietly<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
