/** The server as a tree: the supervisor, and beneath it everything that it owns. */
import type { ComponentChildren } from 'preact';
import { routeOfActor } from '../state/life.ts';
import type { State } from '../state/model.ts';
import { total } from '../state/reduce.ts';
import { hashOf, type Route } from '../state/route.ts';

const shownServices = 100;

export function Tree({ state }: { readonly state: State }) {
  const { hello, overview, incidentsSeen } = state;
  const services = overview?.services ?? [];
  const connections = services.reduce((sum, service) => sum + service.connections.total, 0);
  const incidents = total(state) - incidentsSeen;
  return (
    <ul class="tree">
      <Leaf state={state} to={{ view: 'overview' }}>
        Overview
      </Leaf>
      <Leaf state={state} to={{ view: 'incidents' }} count={incidents > 0 ? `${incidents} new` : undefined}>
        Incidents
      </Leaf>
      <li>
        <Branch state={state} sessionId={hello?.actors.supervisor} name="Supervisor" />
        <ul>
          <li>
            <Branch state={state} sessionId={hello?.actors.server} name="Server" note={overview?.server} />
          </li>
          {hello?.actors.backplane !== undefined && (
            <li>
              <Branch state={state} sessionId={hello.actors.backplane} name="Backplane" note={overview?.backplane} />
            </li>
          )}
          <Leaf state={state} to={{ view: 'list', query: { of: 'services' } }} count={overview?.serviceCount}>
            Services
          </Leaf>
          {services.length > 0 && (
            <li>
              <ul aria-label="Each service">
                {services.slice(0, shownServices).map(({ service, sessionId, connections, shared }) => (
                  <li key={sessionId}>
                    <Branch state={state} sessionId={sessionId} name={service} />
                    <ul>
                      <Leaf
                        state={state}
                        to={{ view: 'list', query: { of: 'connections', service } }}
                        count={connections.total}
                      >
                        connections<span class="hidden"> of {service}</span>
                      </Leaf>
                      {shared !== undefined && (
                        <li>
                          <Branch state={state} sessionId={shared.sessionId} name="shared state" note={shared.state} />
                        </li>
                      )}
                    </ul>
                  </li>
                ))}
              </ul>
            </li>
          )}
          <Leaf state={state} to={{ view: 'list', query: { of: 'connections' } }} count={overview && connections}>
            All connections
          </Leaf>
          <Leaf state={state} to={{ view: 'list', query: { of: 'names' } }} count={overview?.names}>
            Named connections
          </Leaf>
          <Leaf state={state} to={{ view: 'list', query: { of: 'groups' } }} count={overview?.groups}>
            Groups
          </Leaf>
        </ul>
      </li>
    </ul>
  );
}

interface LeafProperties {
  readonly state: State;
  readonly to: Route;
  readonly count?: number | string | undefined;
  readonly children: ComponentChildren;
}

function Leaf({ state, to, count, children }: LeafProperties) {
  return (
    <li>
      <Link state={state} to={to}>
        {children}
      </Link>
      {count !== undefined && <span class="count"> {typeof count === 'number' ? count.toLocaleString() : count}</span>}
    </li>
  );
}

/** An actor that can be looked at, once its sessionId is known. */
function Branch(properties: {
  readonly state: State;
  readonly sessionId: string | undefined;
  readonly name: string;
  readonly note?: string | undefined;
}) {
  const { state, sessionId, name, note } = properties;
  return (
    <>
      {sessionId === undefined ? (
        <span>{name}</span>
      ) : (
        <Link state={state} to={routeOfActor(state.hello, sessionId)}>
          {name}
        </Link>
      )}
      {note !== undefined && <span class="count"> {note}</span>}
    </>
  );
}

function Link({ state, to, children }: Omit<LeafProperties, 'count'>) {
  const href = hashOf(to);
  return (
    <a href={href} aria-current={href === hashOf(state.route) ? 'page' : undefined}>
      {children}
    </a>
  );
}
