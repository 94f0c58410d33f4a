import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { start } from '../../examples/auth-jwt/server.ts';
import { createEcho } from '../../examples/auth-jwt/service.ts';
import { createTokens } from '../../examples/auth-jwt/tokens.ts';
import { connect, refused } from '../support/client.ts';
import { advanceUntil, serve } from '../support/server.ts';

const path = '/jwt/echo';
const secret = Buffer.from('a secret of 32 bytes or more, as it must be');
const tokens = createTokens(secret);

const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

async function serveEcho() {
  const clock = new SimulatedClock();
  const server = await serve([createEcho(tokens)], { clock, limits: { heartbeatIntervalMs: 0 } });
  return { clock, url: server.url(path) };
}

test('the server issues a token, with which a program gets in', async () => {
  const { troupe, url } = await start({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => troupe.close());
  const token = await (await fetch(`${url}/jwt/token`, { method: 'POST', body: 'ada' })).text();

  const client = await connect(`${url.replace('http', 'ws')}${path}`, bearing(token));

  expect(await client.next()).toBe('hello ada');
  client.send('hi');
  expect(await client.next()).toBe('ada: hi');
  expect((await fetch(`${url}/jwt/token`)).status).toBe(404);
  expect((await fetch(`${url}/jwt/token`, { method: 'POST' })).status).toBe(400);
});

test('a page offers its token as a subprotocol, and never gets it back', async () => {
  const { url } = await serveEcho();
  const token = await tokens.issue('ada', 300);

  const client = await connect(url, { protocols: ['echo.v1', `bearer.${token}`] });

  expect([client.socket.protocol, await client.next()]).toEqual(['echo.v1', 'hello ada']);
});

describe('nobody gets in', () => {
  const claims = (): SignJWT => new SignJWT({ sub: 'ada' }).setIssuer('https://auth.example').setExpirationTime('5m');
  const audience = 'https://chat.example';
  const sign = (token: SignJWT, key: Uint8Array = secret, alg = 'HS256'): Promise<string> =>
    token.setProtectedHeader({ alg }).sign(key);

  test.each<[string, () => Promise<string> | string]>([
    ['with something that is no token', () => 'sesame'],
    ['with a token that has expired', () => tokens.issue('ada', -1)],
    [
      'with a token of another key',
      () => createTokens(Buffer.from('another secret of more than 32 bytes')).issue('ada', 300),
    ],
    ['with a token that was altered', async () => (await tokens.issue('ada', 300)).replace(/\.[^.]+\./, '.e30.')],
    ['with a token for another audience', () => sign(claims().setAudience('https://shop.example'))],
    [
      'with a token that never expires',
      () => sign(new SignJWT({ sub: 'ada' }).setIssuer('https://auth.example').setAudience(audience)),
    ],
    ['with another algorithm', () => sign(claims().setAudience(audience), Buffer.alloc(64, secret), 'HS512')],
    [
      'without a signature',
      () =>
        new UnsecuredJWT({ sub: 'ada' })
          .setIssuer('https://auth.example')
          .setAudience(audience)
          .setExpirationTime('5m')
          .encode(),
    ],
  ])('%s', async (_title, make) => {
    const { url } = await serveEcho();

    const { status, headers } = await refused(url, bearing(await make()));

    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer error="invalid_token"']);
  });

  test('without a token', async () => {
    const { url } = await serveEcho();

    expect(await refused(url)).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
  });
});

test('a holder who sends another token in time stays, with nothing lost', async () => {
  const { clock, url } = await serveEcho();
  const client = await connect(url, bearing(await tokens.issue('ada', 300)));
  await client.next();

  expect(await advanceUntil(clock, client.next(), { limitMs: 242_000 })).toMatch(/^expiring \d{4}-/);
  client.send('before');
  client.send(`token ${await tokens.issue('ada', 900)}`);
  client.send('after');
  expect(await client.take(3)).toEqual(['ada: before', 'accepted', 'ada: after']);

  expect(await advanceUntil(clock, client.next(), { limitMs: 850_000 })).toMatch(/^expiring/);
});

test('a holder who sends none, or that of somebody else, is closed with 3000 when the first expires', async () => {
  const { clock, url } = await serveEcho();
  const client = await connect(url, bearing(await tokens.issue('ada', 300)));
  await client.next();
  for (const token of ['sesame', await tokens.issue('bob', 900)]) {
    client.send(`token ${token}`);
    expect(await client.next()).toBe('not accepted');
  }

  expect(await advanceUntil(clock, client.closed, { limitMs: 302_000 })).toMatchObject({ code: 3000 });
});
