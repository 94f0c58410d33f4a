/** Does one reader that never reads harm the others, or the server? */
import type { RunOptions, Sample, ServerName, Workload } from '../contract.ts';
import { Child } from '../crowd/process.ts';
import { socketConnect } from '../crowd/sockets.ts';
import { nameOf, pathOf } from '../crowd/texts.ts';
import { within } from '../deadline.ts';
import { Readers } from '../stalled/readers.ts';
import type { StalledCommands } from '../stalled/server.ts';

const READERS = 1_000;
const PER_SECOND = 20;
/** Twelve seconds: the buffers of the kernel and of the server are full after the half of them. */
const BROADCASTS = 240;
/** The default of `hardCapBytes`, which no connection may exceed. */
const HARD_CAP_BYTES = 16 * 1_048_576;
const TRY_AGAIN_LATER = 1013;
const PATIENCE_MS = 60_000;

interface Run {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly mostBuffered: number;
  /** How the connection of the one that stalled was closed; 0 when it was not, or did not stall. */
  readonly closeCode: number;
  readonly checked: number;
}

export const stalledReader: Workload = {
  name: 'stalled-reader',
  title: `${PER_SECOND} broadcasts/s of 1 KiB to ${READERS} readers, beside one that never reads`,
  unit: 'p50 until a broadcast arrives, with the stalled reader / without',
  method:
    'One round: 12 s in which all read, 12 s in which one does not, and gets 640 KiB/s beside. The connection that ' +
    'stalls has to be closed with 1013, and the server must never hold more for it than `hardCapBytes` (16 MiB); bare ' +
    'ws has no such policy. Every message is compared.',
  servers: ['ws', 'troupe-handlers', 'troupe-machine'],
  budgets: { 'troupe-handlers': { kind: 'self', atMost: 1.15 }, 'troupe-machine': { kind: 'self', atMost: 1.15 } },
  when: 'not in quick',
  atMostRounds: 1,

  async measure(server: ServerName, { onProgress }: RunOptions): Promise<Sample> {
    onProgress(`stalled-reader: ${server}, all read`);
    const without = await run(server, false);
    onProgress(`stalled-reader: ${server}, one does not`);
    const stalled = await run(server, true);
    if (server !== 'ws') checkPolicy(stalled);
    return {
      value: stalled.p50Us / without.p50Us,
      extra: {
        p50Us: stalled.p50Us,
        p99Us: stalled.p99Us,
        p50UsWithout: without.p50Us,
        p99UsWithout: without.p99Us,
        p99Ratio: stalled.p99Us / without.p99Us,
        mostBufferedKiB: stalled.mostBuffered / 1_024,
        closeCode: stalled.closeCode,
      },
      checked: stalled.checked + without.checked,
    };
  },
};

function checkPolicy({ mostBuffered, closeCode }: Run): void {
  if (mostBuffered > HARD_CAP_BYTES) throw new Error(`${mostBuffered} bytes were held for a reader that never reads`);
  if (closeCode !== TRY_AGAIN_LATER)
    throw new Error(`the stalled reader was closed with ${closeCode}, not ${TRY_AGAIN_LATER}`);
}

async function run(server: ServerName, stalls: boolean): Promise<Run> {
  const child = new Child<StalledCommands>(new URL('../stalled/server.js', import.meta.url), [server]);
  try {
    const port = await child.ask('listen', { path: pathOf(READERS), name: nameOf(READERS) });
    const readers = new Readers(READERS, BROADCASTS);
    await readers.open(socketConnect(port));
    if (stalls) readers.stallLast();
    const finished = readers.finished();
    const [mostBuffered] = await within(
      PATIENCE_MS,
      'all broadcasts',
      Promise.all([child.ask('broadcast', { broadcasts: BROADCASTS, perSecond: PER_SECOND }), finished]),
    );
    // Bare ws holds whatever there is to hold, and closes nothing.
    const closeCode = stalls && server !== 'ws' ? await within(PATIENCE_MS, 'the close', readers.readLast()) : 0;
    const delays = readers.delaysUs.toSorted();
    const at = (share: number): number => delays[Math.floor(delays.length * share)] ?? Number.NaN;
    return { p50Us: at(0.5), p99Us: at(0.99), mostBuffered, closeCode, checked: readers.checked };
  } finally {
    await child.stop();
  }
}
