import { describe, expect, it } from 'vitest';
import { nats, type NatsOptions } from 'troupe/nats';

const refused: readonly (readonly [options: unknown, message: string])[] = [
  [null, 'options must be an object with any of: servers, user,'],
  [{ server: 'nats://here' }, 'options.server must be one of servers, user,'],
  [{ servers: 4222 }, 'options.servers must be the address of a server'],
  [{ servers: [] }, 'but is an empty list'],
  [{ servers: ['nats://one', ''] }, 'options.servers must be the address of a server'],
  [{ servers: 'ws://one' }, 'options.servers must be the address of a server'],
  [{ servers: 'nats://ada:lovelace@one' }, 'without user and password'],
  [{ user: 7 }, 'options.user must be a string, but is a value of type number'],
  [{ pass: 'secret' }, 'options.user must be given together with options.pass, but is undefined'],
  [{ user: 'ada', pass: 'secret', token: 'other' }, 'options must be one with user and pass, token or authenticator'],
  [{ authenticator: 'secret' }, 'options.authenticator must be an authenticator of the NATS client'],
  [{ tls: 'secret' }, 'options.tls must be an object with any of: ca, cert, key'],
  [{ tls: { ca: Buffer.of(1) } }, 'options.tls.ca must be PEM text'],
  [{ tls: { caFile: 'ca.pem' } }, 'options.tls.caFile must be one of ca, cert, key'],
  [{ prefix: 'my.program' }, 'options.prefix must be a string of 1 to 32 letters, digits, "_" and "-"'],
  [{ prefix: 1 }, 'options.prefix must be a string'],
  [{ replicas: 0 }, 'options.replicas must be a whole number from 1 to 5, but is 0'],
  [{ replicas: '3' }, 'options.replicas must be a whole number from 1 to 5, but is a value of type string'],
];

describe('nats()', () => {
  it.each(refused)('refuses %j at the call', (options, message) => {
    expect(() => nats(options as NatsOptions)).toThrow(message);
    expect(() => nats(options as NatsOptions)).toThrow(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }) as Error,
    );
    expect(() => nats(options as NatsOptions)).not.toThrow(/secret|lovelace/);
  });

  it('takes addresses with and without scheme and port, and of IPv6', () => {
    for (const servers of ['one', 'one:4222', 'nats://one', ['tls://one:1', '[::1]:4222'], '10.0.0.1']) {
      expect(nats({ servers }).engine).toBe('nats');
    }
    expect(nats().engine).toBe('nats');
  });
});
