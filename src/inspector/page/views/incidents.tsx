/** Dead letters, crashes and what else went wrong, each with the state that it happened in. */
import { useState } from 'preact/hooks';
import {
  connectionOfIncident,
  incidentKinds,
  incidentNames,
  livesOf,
  stateOfIncident,
  textOfIncident,
  type Incident,
  type IncidentKind,
} from '../state/incidents.ts';
import type { State } from '../state/model.ts';
import { hashOf } from '../state/route.ts';
import { timeOf } from '../state/value.ts';

export function IncidentsView({ state }: { readonly state: State }) {
  const [kind, setKind] = useState<IncidentKind | ''>('');
  const { items, dropped } = state.incidents;
  const shown = items.filter(({ type }) => kind === '' || type === kind).toReversed();
  return (
    <section class="panel" aria-label="Incidents">
      <div class="panel-head">
        <h2>Incidents</h2>
        <p class="note">
          {shown.length} since you came: what happened before is not kept
          {dropped > 0 && `, ${dropped} older ones are forgotten`}
        </p>
        <label class="beside">
          Kind{' '}
          <select value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value as IncidentKind | '')}>
            <option value="">all</option>
            {incidentKinds.map((kind) => (
              <option key={kind} value={kind}>
                {incidentNames[kind]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {livesOf(shown, state.hello?.server).map(({ server, incidents }, index, lives) => (
        <section key={server} class="life" aria-label={index === 0 ? 'Of this server' : 'From before a restart'}>
          {index > 0 && <h3>From before the server was restarted</h3>}
          {incidents.length === 0 && (
            <p>Nothing went wrong since {lives.length > 1 ? 'the server was restarted' : 'you came'}.</p>
          )}
          <ol class="incidents">
            {incidents.map((incident) => (
              <IncidentEntry key={incident.sequence} incident={incident} isOfBefore={index > 0} />
            ))}
          </ol>
        </section>
      ))}
    </section>
  );
}

function IncidentEntry({ incident, isOfBefore }: { readonly incident: Incident; readonly isOfBefore: boolean }) {
  const connection = connectionOfIncident(incident);
  const where = stateOfIncident(incident);
  const stack = 'error' in incident ? incident.error.stack : undefined;
  return (
    <li data-kind={incident.type}>
      <p>
        <time>{timeOf(incident.at)}</time> <span class="badge">{incidentNames[incident.type]}</span>{' '}
        {textOfIncident(incident)}
      </p>
      {where !== '' && <p class="note">State: {where}</p>}
      {connection !== undefined && (
        <p class="note">
          Connection {/* It ended with its server. */}
          {isOfBefore ? (
            <code>{connection}</code>
          ) : (
            <a href={hashOf({ view: 'connection', connection })}>{connection}</a>
          )}
        </p>
      )}
      {stack !== undefined && (
        <details>
          <summary>Stack</summary>
          <pre tabIndex={0}>{stack}</pre>
        </details>
      )}
    </li>
  );
}
