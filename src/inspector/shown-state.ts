/**
 * The state of a connection as viewers are shown it.
 *
 * To its service a connection that waits for its restart is `open`, as it can be pushed to; whoever looks for what goes
 * wrong wants to see that it waits.
 */
import type { InspectedConnection } from './source.ts';

export type ShownState = InspectedConnection['state'] | 'restarting';

export function shownState({ state, configuration }: Pick<InspectedConnection, 'state' | 'configuration'>): ShownState {
  if (state !== 'open') return state;
  const { value } = configuration as { readonly value?: { readonly connected?: { readonly lifecycle?: unknown } } };
  const lifecycle = value?.connected?.lifecycle as { readonly open?: unknown } | undefined;
  return lifecycle?.open === 'restarting' ? 'restarting' : state;
}
