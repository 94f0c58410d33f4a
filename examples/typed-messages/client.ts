/**
 * A client in a browser, or in any Node.js that has `WebSocket`. It imports types and nothing else: what it sends and
 * receives is checked against the declaration of the service when it is compiled.
 */
import type { ClientMessage, ServerMessage } from 'troupe';
import type { messages } from './messages.ts';

type Sent = ClientMessage<typeof messages>;
type Received = ServerMessage<typeof messages>;

/** The part of a WebSocket that is needed. */
interface Socket {
  send(text: string): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

interface Waiting {
  resolve(result: number | boolean): void;
  reject(error: Error): void;
}

export class TasksClient {
  /** What is known of the list. */
  readonly titles = new Map<number, string>();
  /** Decides about what the service asks. */
  readonly #confirm: (question: string) => boolean;
  readonly #changed: () => void;
  readonly #socket: Socket;
  readonly #waiting = new Map<string | number, Waiting>();
  #lastId = 0;

  constructor(socket: Socket, confirm: (question: string) => boolean, changed: () => void = () => undefined) {
    this.#socket = socket;
    this.#confirm = confirm;
    this.#changed = changed;
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Received));
  }

  async add(title: string): Promise<number> {
    const number = Number(await this.#ask((id) => ({ type: 'add', id, title })));
    this.titles.set(number, title);
    return number;
  }

  finish(number: number): void {
    this.#send({ type: 'finish', number });
  }

  async remove(number: number): Promise<boolean> {
    return (await this.#ask((id) => ({ type: 'remove', id, number }))) === true;
  }

  #send(message: Sent): void {
    this.#socket.send(JSON.stringify(message));
  }

  #ask(requestOf: (id: number) => Sent): Promise<number | boolean> {
    const id = ++this.#lastId;
    this.#send(requestOf(id));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #receive(message: Received): void {
    switch (message.type) {
      case 'tasks':
        for (const { number, title } of message.tasks) this.titles.set(number, title);
        break;
      case 'added':
        this.titles.set(message.task.number, message.task.title);
        break;
      case 'finished':
        this.titles.set(message.number, `${this.titles.get(message.number)} (done)`);
        break;
      case 'removed':
        this.titles.delete(message.number);
        break;
      case 'confirm':
        this.#send({ type: 'reply', id: message.id, result: this.#confirm(message.question) });
        break;
      case 'reply':
        this.#settle(message.id)?.resolve(message.result);
        break;
      case 'error':
        // One without an id is about a message that asked for no reply.
        if (message.id !== undefined) this.#settle(message.id)?.reject(new Error(message.message));
    }
    this.#changed();
  }

  #settle(id: string | number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
