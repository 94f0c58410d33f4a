/** What the semantic conventions of OpenTelemetry say of an HTTP request, for an upgrade. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Attributes } from '@opentelemetry/api';
import type { UpgradeOutcome } from '../tracer.ts';
import { methodOf } from './bounds.ts';

/** Of a metric: few values each. */
export function metricAttributes(
  request: IncomingMessage,
  outcome: UpgradeOutcome,
  route: string | undefined,
): Attributes {
  return {
    'http.request.method': methodOf(request.method),
    'url.scheme': schemeOf(request),
    'network.protocol.version': request.httpVersion,
    ...answerAttributes(outcome, route),
  };
}

/** Of the answer. */
export function answerAttributes({ status }: UpgradeOutcome, route: string | undefined): Attributes {
  return {
    'http.response.status_code': status,
    ...(route !== undefined && { 'http.route': route }),
    ...(status >= 500 && { 'error.type': String(status) }),
  };
}

/** Of a span, when the request has come. The query is left out: some put tokens there. */
export function spanAttributes(request: IncomingMessage): Attributes {
  const { headers, socket, url = '/' } = request;
  const method = methodOf(request.method);
  const [path = '/'] = url.split('?', 1);
  const { remoteAddress, remotePort } = socket;
  const userAgent = headers['user-agent'];
  return {
    'http.request.method': method,
    ...(method !== request.method && { 'http.request.method_original': request.method }),
    'url.scheme': schemeOf(request),
    'url.path': path,
    'network.protocol.version': request.httpVersion,
    ...hostAttributes(headers.host),
    ...(remoteAddress !== undefined && {
      'network.peer.address': remoteAddress,
      'network.peer.port': remotePort,
      'client.address': remoteAddress,
    }),
    ...(userAgent !== undefined && { 'user_agent.original': userAgent }),
  };
}

function schemeOf({ socket }: IncomingMessage): string {
  return (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
}

function hostAttributes(host: string | undefined): Attributes {
  const url = `http://${host ?? ''}`;
  if (!URL.canParse(url)) return {};
  const { hostname, port } = new URL(url);
  return { 'server.address': hostname, ...(port !== '' && { 'server.port': Number(port) }) };
}
