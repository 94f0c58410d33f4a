/** One actor that is no connection: the server, a registry, a service. */
import { nameOfActor, type State } from '../state/model.ts';
import { hashOf } from '../state/route.ts';
import { Charts } from './charts.tsx';
import { ContextPanel } from './context-panel.tsx';
import { Log } from './log.tsx';
import { Sequence } from './sequence.tsx';
import { Timeline } from './timeline.tsx';

export function ActorView({ state, sessionId }: { readonly state: State; readonly sessionId: string }) {
  const { focus, overview } = state;
  if (focus === undefined) return null;
  // Another actor may have the sessionId now.
  const name = (!focus.isOfBefore && nameOfActor(state, sessionId)) || sessionId;
  const service = focus.isOfBefore ? undefined : overview?.services.find((one) => one.sessionId === sessionId);
  const hasNoGraph = focus.graphsAsked.get(sessionId)?.problem !== undefined;
  return (
    <>
      <div class="panel-head">
        <h2>
          Actor <code>{name}</code>
        </h2>
        {service !== undefined && (
          <a href={hashOf({ view: 'list', query: { of: 'connections', service: service.service } })}>Its connections</a>
        )}
      </div>
      {focus.isOfBefore && (
        <p class="panel warn" role="status">
          This actor belonged to a server that has ended. Choose anew what to look at.
        </p>
      )}
      {focus.watching?.problem !== undefined && (
        <p class="panel warn" role="status">
          {focus.watching.problem}
        </p>
      )}
      <Timeline focus={focus} />
      {hasNoGraph && <p class="note">This actor runs no chart.</p>}
      <Charts focus={focus} />
      <div class="halves">
        <Log state={state} focus={focus} />
        <ContextPanel state={state} focus={focus} />
      </div>
      <Sequence state={state} focus={focus} />
    </>
  );
}
