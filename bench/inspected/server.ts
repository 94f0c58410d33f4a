/** Two Troupes in one process, so that the same compiled code serves both: one has an inspector, one has none. */
import { createTroupe, type TroupeOptions } from '../../src/index.ts';
import { answerCalls } from '../crowd/process.ts';
import { echoService as handlers } from '../servers/troupe-handlers.ts';
import { echoService as machine } from '../servers/troupe-machine.ts';

const echoService = process.argv[2] === 'troupe-machine' ? machine : handlers;
let begun = process.cpuUsage();

async function listen(options: TroupeOptions): Promise<number> {
  const troupe = createTroupe({ services: [echoService()], ...options });
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
  return port;
}

export interface Ports {
  readonly plain: number;
  readonly inspected: number;
}

const commands = {
  async listen(token: string): Promise<Ports> {
    const inspected = await listen({ inspector: { token, maxEventsPerSecond: 100_000 } });
    return { plain: await listen({}), inspected };
  },

  begin(): void {
    begun = process.cpuUsage();
  },

  /** CPU time since `begin`, in µs. */
  end(): number {
    const { user, system } = process.cpuUsage(begun);
    return user + system;
  },
};

export type InspectedCommands = typeof commands;

answerCalls(commands);
