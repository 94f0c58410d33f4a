/** Is a message compressed once, or once for each receiver? */
import type { RunOptions, Sample, ServerName, Workload } from '../contract.ts';
import { Readers } from '../compressed/readers.ts';
import type { CompressedCommands } from '../compressed/server.ts';
import { Child } from '../crowd/process.ts';
import { within } from '../deadline.ts';

const READERS = 1_000;
const BROADCASTS = 100;
const WARM_UP = 5;
const PATIENCE_MS = 30_000;

export const compressedBroadcast: Workload = {
  name: 'compressed-broadcast',
  title: 'compressed broadcast of 1 KiB of JSON to 1 000 connections',
  unit: 'µs of server CPU per delivery',
  method:
    'Both negotiate permessage-deflate without context takeover and compress every message at level 6. The time of ' +
    'all threads counts. Each message is inflated, or compared with one that was, and checked for its text and order.',
  servers: ['ws', 'troupe-handlers'],
  // The goal that was set: six times less than compressing for each socket.
  budgets: { 'troupe-handlers': { kind: 'ratio', atMost: 1 / 6 } },

  async measure(server: ServerName, { scale }: RunOptions): Promise<Sample> {
    const child = new Child<CompressedCommands>(new URL('../compressed/server.js', import.meta.url), [server]);
    const readers = new Readers();
    try {
      await readers.open(await child.ask('port'), READERS);
      const last = WARM_UP + Math.max(5, Math.round(BROADCASTS * scale));
      for (let number = 0; number < last; number++) {
        if (number === WARM_UP) await child.ask('begin');
        const arrived = readers.next();
        await within(PATIENCE_MS, `message ${number}`, Promise.all([child.ask('broadcast', number), arrived]));
      }
      const deliveries = (last - WARM_UP) * READERS;
      const value = (await child.ask('end')) / deliveries;
      return { value, extra: { wireBytes: readers.bytes / readers.checked }, checked: readers.checked };
    } finally {
      readers.close();
      await child.stop();
    }
  },
};
