import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Health, HttpListener } from 'troupe';
import { answerHealth } from '../../src/cli/health.ts';

const well: Health = { isLive: true, isReady: true, server: 'listening', services: [] };

/** What is answered to a request. */
function ask(url: string, health: Health, otherwise?: HttpListener): { status: number; body: string } {
  const answer = { status: 0, body: '' };
  const response = {
    writeHead: (status: number): unknown => (answer.status = status),
    end: (body: string): unknown => (answer.body = body),
  };
  const listener = answerHealth('/health', otherwise, () => health);
  listener({ url } as IncomingMessage, response as unknown as ServerResponse);
  return answer;
}

describe('answerHealth', () => {
  it('answers 200 with the health, and 503 from the beginning of a shutdown on', () => {
    expect(ask('/health', well)).toEqual({ status: 200, body: `${JSON.stringify(well)}\n` });
    expect(ask('/health?now', { ...well, isReady: false }).status).toBe(503);
  });

  it('tells strangers that a link is down, not why', () => {
    const backplane = { engine: 'redis', state: 'waiting', isUp: false, failures: 3 };
    const { status, body } = ask('/health', { ...well, backplane: { ...backplane, error: 'ECONNREFUSED 10.0.0.1' } });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ ...well, backplane });
  });

  it('leaves all other paths to the listener of the options, or answers 404', () => {
    expect(ask('/other', well).status).toBe(404);
    expect(ask('/other', well, (_, response) => response.end('the page')).body).toBe('the page');
  });
});
