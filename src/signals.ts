/** Graceful shutdown on signals, for programs that are servers and nothing else. */
import { checkOptions, wrongType } from './arguments.ts';
import { drainRequest } from './runtime/drain.ts';
import type { CloseOptions, Troupe } from './face.ts';

export interface CloseOnSignalsOptions extends CloseOptions {
  /** @defaultValue ['SIGTERM', 'SIGINT'] */
  readonly signals?: readonly NodeJS.Signals[];
}

/**
 * Closes `troupe` at the first of the signals; the process then ends by itself, as nothing keeps it alive any more.
 *
 * Wrong drain options throw at once. A second signal is not handled and ends the process at once. Returns what takes the handlers away again.
 *
 * @example
 * ```ts
 * import { closeOnSignals, createTroupe } from 'troupe';
 *
 * const troupe = createTroupe({ services: [] });
 * closeOnSignals(troupe, { drain: { timeoutMs: 20_000 } });
 * await troupe.listen({ port: 9090 });
 * ```
 */
export function closeOnSignals(troupe: Troupe, options: CloseOnSignalsOptions = {}): () => void {
  if (typeof (troupe as Troupe | undefined)?.close !== 'function') {
    throw wrongType('troupe', 'what createTroupe() returns', troupe);
  }
  checkOptions('options', options, ['signals', 'drain', 'restarting']);
  const { signals = ['SIGTERM', 'SIGINT'], ...closeOptions } = options;
  // A wrong option is an error now, not on the day of the signal.
  drainRequest(options.drain, 1001);
  const stopListening = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  function onSignal(): void {
    stopListening();
    void troupe.close(closeOptions);
  }
  for (const signal of signals) process.on(signal, onSignal);
  return stopListening;
}
