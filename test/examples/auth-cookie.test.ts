import { expect, onTestFinished, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { start } from '../../examples/auth-cookie/server.ts';
import { createLounge } from '../../examples/auth-cookie/service.ts';
import { cookieOf, Sessions } from '../../examples/auth-cookie/sessions.ts';
import { connect, refused } from '../support/client.ts';
import { advance, advanceUntil, serve } from '../support/server.ts';

async function startLounge() {
  const { troupe, url } = await start({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => troupe.close());
  const send = (path: string, body: string | null, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { method: 'POST', body, headers });
  const logIn = async (user: string): Promise<{ cookie: string }> => {
    const answer = await send('/login', user);
    return { cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' };
  };
  return { url, lounge: `${url.replace('http', 'ws')}/lounge`, send, logIn };
}

test('whoever has logged in is let in by the cookie', async () => {
  const { url, lounge, logIn } = await startLounge();
  const headers = await logIn('ada');

  const client = await connect(lounge, { headers, origin: url });

  expect(await client.next()).toBe('ada is here');
  client.send('hi');
  expect(await client.next()).toBe('ada: hi');
  expect(await (await fetch(url, { headers })).text()).toBe('hello ada\n');
});

test('nobody else is', async () => {
  const { lounge, url, send } = await startLounge();

  expect((await refused(lounge)).status).toBe(401);
  expect((await refused(lounge, { headers: { cookie: 'session=guessed; other=1' } })).status).toBe(401);
  expect((await send('/login', '')).status).toBe(400);
  expect(await (await fetch(url)).text()).toBe('hello stranger\n');
});

test("a page of another site gets nothing by the visitor's cookie", async () => {
  const { lounge, logIn, send } = await startLounge();
  const headers = await logIn('ada');

  expect((await refused(lounge, { headers, origin: 'https://evil.example' })).status).toBe(403);
  expect((await send('/logout', null, { ...headers, origin: 'https://evil.example' })).status).toBe(403);
});

test('logging out ends all connections of the session, and no other', async () => {
  const { lounge, logIn, send } = await startLounge();
  const ada = await logIn('ada');
  const clients = [await connect(lounge, { headers: ada }), await connect(lounge, { headers: ada })];
  const other = await connect(lounge, { headers: await logIn('bob') });

  const answer = await send('/logout', null, ada);

  expect(answer.headers.get('set-cookie')).toMatch(/^session=;.* Max-Age=0/);
  for (const client of clients) expect(await client.closed).toEqual({ code: 4001, reason: 'logged out' });
  other.send('still here');
  await other.before('bob: still here');
  expect((await refused(lounge, { headers: ada })).status).toBe(401);
});

test('a session that was prolonged keeps its connections; one that has ended ends them with 3000', async () => {
  const sessions = new Sessions(300_000);
  const clock = new SimulatedClock();
  const server = await serve([createLounge(sessions)], { clock, limits: { heartbeatIntervalMs: 0 } });
  const session = sessions.begin('ada');
  const client = await connect(server.url('/lounge'), { headers: { cookie: cookieOf(session, true) } });
  await client.next();

  await advance(clock, 290_000, 5_000);
  sessions.prolong(session, 600_000);
  await advance(clock, 12_000, 1_000);
  client.send('still here');
  expect(await client.next()).toBe('ada: still here');

  sessions.end(session);
  expect(await advanceUntil(clock, client.closed, { limitMs: 600_000 })).toMatchObject({ code: 3000 });
});

test('the cookie is kept from scripts and from other sites', () => {
  const cookie = cookieOf(new Sessions(60_000).begin('ada'), true);

  expect(cookie).toMatch(/^session=[\w-]{43}; Path=\/; Expires=.*; HttpOnly; Secure; SameSite=Strict$/);
});
