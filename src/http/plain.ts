/** Plain HTTP requests: a service's own listener, else the application's, else 426 or 404. */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { HttpListener } from '../service/definition.ts';
import { onRejected } from '../thenable.ts';
import { pathOf } from './upgrade.ts';

/** Where plain requests are decided. */
export interface PlainDesk {
  /** The listener of the service on whose base path `path` is. */
  findHttp(path: string): HttpListener | undefined;
  /** Whether a WebSocket could be opened at `path`. */
  isUpgradePath(path: string): boolean;
  /** A listener threw; the answer was 500. */
  listenerFailed(error: unknown): void;
}

/** Answers with a service's listener; `false` when none has that path. */
export function answerForService(desk: PlainDesk, request: IncomingMessage, response: ServerResponse): boolean {
  const listener = desk.findHttp(pathOf(request.url ?? '/'));
  if (listener === undefined) return false;
  answerWith(desk, listener, request, response);
  return true;
}

/** Calls `listener`; what it throws becomes a 500 without a word of the error. */
export function answerWith(
  desk: PlainDesk,
  listener: HttpListener,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const failed = (error: unknown): void => {
    desk.listenerFailed(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    answer(response, 500, 'the request could not be answered');
  };
  try {
    onRejected(listener(request, response), failed);
  } catch (error) {
    failed(error);
  }
}

/** Answers a request that nobody has a listener for. */
export function answerNobody(desk: PlainDesk, request: IncomingMessage, response: ServerResponse): void {
  if (desk.isUpgradePath(pathOf(request.url ?? '/'))) {
    response.setHeader('Upgrade', 'websocket');
    response.setHeader('Connection', 'Upgrade');
    answer(response, 426, 'this path speaks WebSocket; send an upgrade request');
  } else {
    answer(response, 404, 'there is nothing at this path');
  }
}

function answer(response: ServerResponse, status: number, reason: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${status} ${STATUS_CODES[status]}: ${reason}\n`);
}
