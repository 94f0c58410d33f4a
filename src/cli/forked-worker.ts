/** A worker that `node:cluster` has forked, as its crew sees it. */
import type { Worker } from 'node:cluster';
import type { Member } from './crew.ts';
import type { CloseMessage, WorkerMessage } from './worker.ts';

export class ForkedWorker implements Member {
  readonly #worker: Worker;
  #isHearing = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    // A message to one that is about to die: its end is told anyway.
    worker.on('error', () => {});
  }

  get id(): number {
    return this.#worker.process.pid ?? 0;
  }

  watch(on: Parameters<Member['watch']>[0]): void {
    this.#worker.on('message', (message: WorkerMessage | null) => {
      if (message?.troupe === 'hearing') this.#isHearing = true;
      if (message?.troupe === 'listening') on.listening(message.url);
      if (message?.troupe === 'draining') on.draining();
    });
    this.#worker.on('exit', (code: number | null, signal: string | null) => on.ended(code, signal));
  }

  close(restarting: boolean): void {
    const message: CloseMessage = { troupe: 'close', restarting };
    // It has nothing to close yet, and Node drops the messages that come before.
    if (!this.#isHearing) this.kill();
    else if (this.#worker.isConnected()) this.#worker.send(message);
  }

  withdraw(): void {
    if (this.#worker.isConnected()) this.#worker.disconnect();
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}
