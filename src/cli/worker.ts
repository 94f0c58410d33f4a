/** What a worker and the process that started it tell each other, as the worker does it. */
import cluster from 'node:cluster';
import type { DrainOptions, Troupe } from '../index.ts';

/** From a worker. `hearing`: it can be told something. `draining`: it accepts nobody any more. */
export type WorkerMessage =
  | { readonly troupe: 'hearing' }
  | { readonly troupe: 'listening'; readonly url: string }
  | { readonly troupe: 'draining' };

/** To a worker. A message instead of a signal: a terminal sends its signals to both. */
export interface CloseMessage {
  readonly troupe: 'close';
  readonly restarting: boolean;
}

export interface Primary {
  /** It listens: from now on it closes when it is told to. */
  serving(troupe: Troupe, url: string, drain: DrainOptions): void;
  /** The link to the other process keeps this one no longer. */
  leave(): void;
}

/** Listens to the process that started this one, if this is a worker. */
export function heed(): Primary | undefined {
  if (!cluster.isWorker || process.send === undefined) return undefined;
  let close = (_: CloseMessage): void => process.exit();
  process.on('message', (message: unknown) => {
    if ((message as Partial<CloseMessage> | null)?.troupe === 'close') close(message as CloseMessage);
  });
  // That is for the other process alone.
  process.on('SIGHUP', () => {});
  const tell = (message: WorkerMessage): void => {
    if (process.connected) process.send?.(message);
  };
  tell({ troupe: 'hearing' });
  return {
    serving(troupe, url, drain) {
      close = ({ restarting }) => void troupe.close({ drain, restarting });
      troupe.on('server.draining', () => tell({ troupe: 'draining' }));
      tell({ troupe: 'listening', url });
    },
    leave: () => process.channel?.unref(),
  };
}
