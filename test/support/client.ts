import type { IncomingMessage } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { WebSocket, type ClientOptions, type PerMessageDeflateOptions } from 'ws';
import { Inbox } from './inbox.ts';

export type Message = string | Uint8Array;

export interface ConnectOptions {
  origin?: string;
  protocols?: string | string[];
  headers?: Record<string, string>;
  /** Answer pings (as every browser does); off makes a peer that seems dead. */
  autoPong?: boolean;
  /** Offers compression, with these parameters. */
  compression?: boolean | PerMessageDeflateOptions;
  /** For wss:// with a certificate made by the test. */
  rejectUnauthorized?: boolean;
  /** The authorities that are trusted, a certificate to show, a session to resume. */
  tls?: Pick<ClientOptions, 'ca' | 'key' | 'cert'> & Pick<ConnectionOptions, 'session'>;
}

export interface Closure {
  code: number;
  reason: string;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A WebSocket client whose messages and end are awaited, never polled. */
export class Client {
  readonly socket: WebSocket;
  readonly messages = new Inbox<Message>();
  readonly pings = new Inbox<Uint8Array>();
  readonly pongs = new Inbox<Uint8Array>();
  readonly closed: Promise<Closure>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.messages.push(isBinary ? Uint8Array.from(data) : data.toString('utf8'));
    });
    socket.on('ping', (data: Buffer) => this.pings.push(Uint8Array.from(data)));
    socket.on('pong', (data: Buffer) => this.pongs.push(Uint8Array.from(data)));
    // Loss of the connection is seen as a close code: the error says nothing more.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code: number, reason: Buffer) => {
        const closure = { code, reason: reason.toString('utf8') };
        const error = new Error(`the connection closed with ${closure.code} "${closure.reason}"`);
        for (const inbox of [this.messages, this.pings, this.pongs]) inbox.end(error);
        resolve(closure);
      });
    });
  }

  next(): Promise<Message> {
    return this.messages.next();
  }

  async take(count: number): Promise<Message[]> {
    const taken: Message[] = [];
    for (let index = 0; index < count; index += 1) taken.push(await this.next());
    return taken;
  }

  /** Everything received before `marker`, which surely comes: an empty list proves that nothing was delivered. */
  async before(marker: string): Promise<Message[]> {
    const earlier: Message[] = [];
    for (;;) {
      const message = await this.next();
      if (message === marker) return earlier;
      earlier.push(message);
    }
  }

  /** Everything received from now until the end of the connection. */
  async untilClosed(): Promise<Message[]> {
    await this.closed;
    const rest: Message[] = [];
    while (this.messages.unread.length > 0) rest.push(await this.messages.next());
    return rest;
  }

  send(data: Message): void {
    this.socket.send(data);
  }

  /** A round trip in control frames: what the server had sent before has arrived afterwards. */
  async ping(payload = 'round trip'): Promise<void> {
    this.socket.ping(payload);
    await this.pongs.until((pong) => Buffer.from(pong).toString('utf8') === payload);
  }

  close(code?: number, reason?: string): Promise<Closure> {
    this.socket.close(code, reason);
    return this.closed;
  }

  /** Destroys the TCP socket without a close frame. */
  terminate(): Promise<Closure> {
    this.socket.terminate();
    return this.closed;
  }
}

function open(url: string, options: ConnectOptions): WebSocket {
  const { protocols = [], origin, headers, autoPong, compression = false, rejectUnauthorized, tls } = options;
  const clientOptions: ClientOptions = { perMessageDeflate: compression, maxPayload: 0, ...tls };
  if (origin !== undefined) clientOptions.origin = origin;
  if (headers !== undefined) clientOptions.headers = headers;
  if (autoPong !== undefined) clientOptions.autoPong = autoPong;
  if (rejectUnauthorized !== undefined) clientOptions.rejectUnauthorized = rejectUnauthorized;
  return new WebSocket(url, protocols, clientOptions);
}

/** Connects and cleans up after the test. */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Client> {
  const client = dial(url, options);
  onTestFinished(() => client.socket.terminate());
  await opened(client);
  return client;
}

/** Begins to connect. For the many connections of one test: the caller awaits `opened` and ends them. */
export function dial(url: string, options: ConnectOptions = {}): Client {
  return new Client(open(url, options));
}

export function opened(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.socket.once('open', resolve);
    client.socket.once('error', reject);
  });
}

export interface Refusal {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A handshake that the server refuses: its HTTP answer. Rejects when the server accepts. */
export async function refused(url: string, options: ConnectOptions = {}): Promise<Refusal> {
  const socket = open(url, options);
  onTestFinished(() => socket.terminate());
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    socket.on('unexpected-response', (_request, answer) => resolve(answer));
    socket.on('open', () => reject(new Error(`${url} accepted the handshake`)));
    socket.on('error', reject);
  });
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}
