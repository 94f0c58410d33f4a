import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ForkedWorker } from '../../src/cli/forked-worker.ts';

/** What `cluster.fork()` returns, as far as it is used here. */
class Fork extends EventEmitter {
  readonly sent: unknown[] = [];
  readonly process = { kill: (signal: string): unknown => this.sent.push(signal) };
  isConnected(): boolean {
    return true;
  }
  send(message: unknown): void {
    this.sent.push(message);
  }
}

function forked() {
  const fork = new Fork();
  const worker = new ForkedWorker(fork as unknown as Worker);
  worker.watch({ listening: () => {}, draining: () => {}, ended: () => {} });
  return { fork, worker };
}

describe('ForkedWorker', () => {
  // Broke when a terminal interrupts all processes: a worker that was just forked heard nothing, and stayed.
  it('kills one that has just been forked, which is to close', () => {
    const { fork, worker } = forked();
    worker.close(false);
    expect(fork.sent).toEqual(['SIGKILL']);
  });

  it('tells one that hears to close, and takes no notice of the messages of others', () => {
    const { fork, worker } = forked();
    for (const message of [null, 'text', { troupe: 'hearing' }]) fork.emit('message', message);
    worker.close(true);
    expect(fork.sent).toEqual([{ troupe: 'close', restarting: true }]);
  });
});
