/** PORT and HOST, read from the environment. */

export interface Address {
  port: number;
  host: string;
}

const defaults: Address = { port: 9090, host: '127.0.0.1' };

/** Throws an Error with a message for the person who started the program. */
export function addressFrom({ PORT, HOST }: NodeJS.ProcessEnv): Address {
  const port = PORT === undefined || PORT === '' ? defaults.port : Number(PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT is "${PORT}", but a port is a whole number from 0 to 65535. Try PORT=9091.`);
  }
  return { port, host: HOST || defaults.host };
}

/** Whether nobody on another machine can reach the address. */
export function isOfThisMachine({ host }: Address): boolean {
  return host === '127.0.0.1' || host === '::1' || host === 'localhost';
}

/** A loopback address is written as people say it. */
export function urlOf({ port, host }: Address): string {
  const name = host === '127.0.0.1' || host === '0.0.0.0' || host === '::1' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
