/** How many connections each service has, and in which states they are: live. */
import type { ServiceOverview } from '../../protocol.ts';
import type { State } from '../state/model.ts';
import { hashOf } from '../state/route.ts';
import { Picture } from './picture.tsx';

const parts = [
  { key: 'open', of: (service: ServiceOverview) => service.connections.state.open },
  { key: 'restarting', of: (service: ServiceOverview) => service.connections.state.restarting },
  { key: 'message', of: (service: ServiceOverview) => service.connections.state.message },
  { key: 'closing', of: (service: ServiceOverview) => service.connections.state.closing },
] as const;

const troubles = [
  { key: 'congested', of: (service: ServiceOverview) => service.connections.outbound.congested },
  { key: 'suspect', of: (service: ServiceOverview) => service.connections.liveness.suspect },
] as const;

export function OverviewView({ state }: { readonly state: State }) {
  const { overview } = state;
  if (overview === undefined) return <p class="panel">Nothing is known of the server yet.</p>;
  const { services, serviceCount } = overview;
  const total = services.reduce((sum, { connections }) => sum + connections.total, 0);
  const most = Math.max(1, ...services.map(({ connections }) => connections.total));
  return (
    <Picture
      title="Connections by service and state"
      aside={
        <p class="note">
          {total.toLocaleString()} connections in {serviceCount} {serviceCount === 1 ? 'service' : 'services'}, the
          server is {overview.server}
          {overview.backplane !== undefined && `, the backplane ${overview.backplane}`}
        </p>
      }
      picture={() => (
        <>
          <ul class="legend" aria-hidden="true">
            {parts.map(({ key }) => (
              <li key={key} data-part={key}>
                {key}
              </li>
            ))}
          </ul>
          <ul class="services">
            {services.map((service) => (
              <ServiceBar key={service.sessionId} service={service} most={most} />
            ))}
          </ul>
          {serviceCount > services.length && (
            <p>
              These are the first {services.length}.{' '}
              <a href={hashOf({ view: 'list', query: { of: 'services' } })}>All {serviceCount} services</a>
            </p>
          )}
        </>
      )}
      table={() => <OverviewTable services={services} />}
    />
  );
}

function ServiceBar({ service, most }: { readonly service: ServiceOverview; readonly most: number }) {
  const { total } = service.connections;
  const counts = parts.map(({ key, of }) => ({ key, count: of(service) }));
  const text = counts.map(({ key, count }) => `${count} ${key}`).join(', ');
  let x = 0;
  return (
    <li class="service">
      <div class="service-head">
        <a href={hashOf({ view: 'list', query: { of: 'connections', service: service.service } })}>{service.service}</a>
        {service.route !== service.service && <code>{service.route}</code>}
        <span class="badge">{service.state}</span>
        <strong>{total.toLocaleString()}</strong>
      </div>
      <svg class="bar" role="img" aria-label={text} viewBox="0 0 1000 16" preserveAspectRatio="none">
        <rect class="bar-ground" width="1000" height="16" />
        {counts.map(({ key, count }) => {
          const width = (count / most) * 1000;
          x += width;
          return <rect key={key} data-part={key} x={x - width} width={width} height="16" />;
        })}
      </svg>
      <p class="numbers" aria-hidden="true">
        {counts.map(({ key, count }) => (
          <span key={key} data-part={key}>
            {count.toLocaleString()} {key}
          </span>
        ))}
        {troubles.map(({ key, of }) => (
          <span key={key} class={of(service) > 0 ? 'warn' : ''}>
            {of(service).toLocaleString()} {key}
          </span>
        ))}
      </p>
    </li>
  );
}

function OverviewTable({ services }: { readonly services: readonly ServiceOverview[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Connections by service, as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">Route</th>
            <th scope="col">State</th>
            <th scope="col">Connections</th>
            {[...parts, ...troubles].map(({ key }) => (
              <th scope="col" key={key}>
                {key}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <tr key={service.sessionId}>
              <th scope="row">{service.service}</th>
              <td>{service.route}</td>
              <td>{service.state}</td>
              <td class="number">{service.connections.total}</td>
              {[...parts, ...troubles].map(({ key, of }) => (
                <td class="number" key={key}>
                  {of(service)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
