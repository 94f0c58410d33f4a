import { connect as connectTls, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HandshakeRequest } from 'troupe';
import { certificate } from '../support/certificate.ts';
import { connect, refused } from '../support/client.ts';
import { at, forms } from '../support/forms.ts';
import { greeting, guarded } from '../support/guarded.ts';
import { serve } from '../support/server.ts';

const path = '/test/websocket';
const trusted = certificate();
const foreign = certificate();

/** Whoever is trusted is known by name; everybody gets as far as the service. */
const asking = { ...certificate(), ca: trusted.cert, requestCert: true, rejectUnauthorized: false };

function holder({ clientCertificate }: HandshakeRequest) {
  return clientCertificate && { user: String(clientCertificate.subject.CN) };
}

const showing = (tls: { key?: string; cert?: string; session?: Buffer }) => ({ tls, rejectUnauthorized: false });

describe.each(forms)('a service of %s that knows its connections by their certificates', (form) => {
  it('lets in who shows one that the server trusts, by its name', async () => {
    const server = await serve([guarded(form, at(path), { authenticate: holder }).service], {
      listen: { tls: asking },
    });

    const client = await connect(server.url(path), showing(trusted));

    expect(await client.next()).toBe(greeting({ user: '127.0.0.1' }));
  });

  it.each([
    ['none', {}],
    ['one of another authority', foreign],
  ])('knows nobody who shows %s', async (_which, shown) => {
    const server = await serve([guarded(form, at(path), { authenticate: holder }).service], {
      listen: { tls: asking },
    });

    expect((await refused(server.url(path), showing(shown))).status).toBe(401);
  });
});

/** A session to resume. */
async function sessionOf(port: number): Promise<Buffer> {
  const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  onTestFinished(() => {
    socket.destroy();
  });
  const [session] = (await once(socket, 'session')) as [Buffer];
  return session;
}

// OpenSSL says of a session of TLS 1.3 that is resumed that it was verified, also when no certificate was shown in it.
it('nobody gets in by resuming a session in which no certificate was shown', async () => {
  const server = await serve([guarded('handlers', at(path), { authenticate: holder }).service], {
    listen: { tls: asking },
  });

  const session = await sessionOf(server.port);

  expect((await refused(server.url(path), showing({ session }))).status).toBe(401);
});

it('a server that asks for no certificate is shown none', async () => {
  const seen: unknown[] = [];
  const { service } = guarded('handlers', at(path), {
    authenticate: ({ clientCertificate }) => {
      seen.push(clientCertificate);
      return { user: 'ada' };
    },
  });
  const secure = await serve([service], { listen: { tls: certificate() } });
  const plain = await serve([service]);

  await (await connect(secure.url(path), showing(trusted))).next();
  await (await connect(plain.url(path))).next();

  expect(seen).toEqual([undefined, undefined]);
});
