/** Does memory stay flat over a long time of moderate load? */
import type { RunOptions, Sample, ServerName, Workload } from '../contract.ts';
import { Child } from '../crowd/process.ts';
import { everyTick } from '../crowd/pace.ts';
import { socketConnect } from '../crowd/sockets.ts';
import { GROUP_SIZE } from '../crowd/texts.ts';
import { mean } from '../figures.ts';
import { SoakClients } from '../soak/clients.ts';
import type { SoakCommands } from '../soak/server.ts';

const SECONDS = 600;
const STAYING = 1_000;
/** With the broadcasts (1 000 a second) and the group pushes (500) these are 5 000 messages a second. */
const ECHOES_PER_SECOND = 3_500;
const GROUP_PUSHES_PER_SECOND = 50;
const VISITORS_PER_SECOND = 20;
/** How often the heap is looked at in all. */
const LOOKS = 60;
const KiB = 1_024;

export const soak: Workload = {
  name: 'soak',
  title: `${SECONDS / 60} minutes of 5000 messages/s over ${STAYING} connections, ${VISITORS_PER_SECOND} a second come and go`,
  unit: 'heap in use at the end / in the middle, both as the least of a sixth of the time',
  method:
    'One round. 3 500 echoes, one broadcast and 50 pushes to groups of ten a second; every second visitor leaves ' +
    'without a close frame. The heap is looked at every 10 s after garbage collection; what is on its way at that moment ' +
    'only adds to what stays, so the least of ten looks counts. Every message is compared.',
  servers: ['ws', 'troupe-handlers', 'troupe-machine'],
  budgets: { 'troupe-handlers': { kind: 'self', atMost: 1.02 }, 'troupe-machine': { kind: 'self', atMost: 1.02 } },
  when: 'only when named',
  atMostRounds: 1,
  patienceMs: (SECONDS + 120) * 1_000,

  async measure(server: ServerName, { scale, onProgress }: RunOptions): Promise<Sample> {
    const seconds = Math.ceil(SECONDS * scale);
    const child = new Child<SoakCommands>(new URL('../soak/server.js', import.meta.url), [server]);
    try {
      const clients = new SoakClients(socketConnect(await child.ask('listen')), STAYING);
      await clients.open();
      const heaps: number[] = [];
      const look = everyTick(LOOKS / seconds, LOOKS, async (number) => {
        const { heap } = await child.ask('used');
        heaps.push(heap / KiB);
        if (number % 6 === 0)
          onProgress(`soak: ${server}, ${Math.round((number / LOOKS) * seconds)} s, ${Math.round(heap / KiB)} KiB`);
      });
      const order = { seconds, groups: STAYING / GROUP_SIZE, groupPushesPerSecond: GROUP_PUSHES_PER_SECOND };
      const [soaked] = await Promise.all([
        child.ask('soak', order),
        clients.talk(seconds, ECHOES_PER_SECOND, VISITORS_PER_SECOND),
        look,
      ]);
      await clients.checkAll(soaked);
      const middle = heaps.slice(LOOKS / 2, (LOOKS * 2) / 3);
      const end = heaps.slice((LOOKS * 5) / 6);
      return {
        value: Math.min(...end) / Math.min(...middle),
        extra: {
          seconds,
          heapMiddleKiB: Math.min(...middle),
          heapEndKiB: Math.min(...end),
          meanHeapMiddleKiB: mean(middle),
          meanHeapEndKiB: mean(end),
          heapLeastKiB: Math.min(...heaps.slice(LOOKS / 2)),
          heapMostKiB: Math.max(...heaps.slice(LOOKS / 2)),
          cpuPercent: soaked.cpuUs / seconds / 10_000,
        },
        checked: clients.checked,
      };
    } finally {
      await child.stop();
    }
  },
};
