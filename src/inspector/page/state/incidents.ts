/** What went wrong: crashes, failing callbacks, broken protocol, and pushes that reached nobody. */
import type { CrashFrame, DeadLetterFrame, FailureFrame, ViolationFrame } from '../../protocol.ts';
import { pushed, type Ring } from './ring.ts';
import { textOfBytes, textOfValue } from './value.ts';

type IncidentFrame = CrashFrame | DeadLetterFrame | FailureFrame | ViolationFrame;

export type Incident = IncidentFrame & {
  readonly sequence: number;
  /** The life of the server in which it happened, as its hello names it. */
  readonly server: string | undefined;
};

export const incidentKinds = ['troupe.crash', 'troupe.failure', 'troupe.violation', 'troupe.dead-letter'] as const;
export type IncidentKind = (typeof incidentKinds)[number];

export const incidentNames: Readonly<Record<IncidentKind, string>> = {
  'troupe.crash': 'crash',
  'troupe.failure': 'failed callback',
  'troupe.violation': 'broken protocol',
  'troupe.dead-letter': 'dead letter',
};

const bounds = { count: 500 };

export function withIncident(
  incidents: Ring<Incident>,
  frame: IncidentFrame,
  { sequence, server }: Pick<Incident, 'sequence' | 'server'>,
): Ring<Incident> {
  return pushed(incidents, { ...frame, sequence, server }, bounds);
}

/** `incidents` by the life of the server in which they happened; without those, that of `now` is the first all the same. */
export function livesOf(
  incidents: readonly Incident[],
  now: string | undefined,
): readonly { readonly server: string | undefined; readonly incidents: readonly Incident[] }[] {
  const lives: { server: string | undefined; incidents: Incident[] }[] = [{ server: now, incidents: [] }];
  for (const incident of incidents) {
    if (incident.server !== lives.at(-1)?.server) lives.push({ server: incident.server, incidents: [] });
    lives.at(-1)?.incidents.push(incident);
  }
  return lives;
}

/** What happened, in one sentence. */
export function textOfIncident(incident: Incident): string {
  switch (incident.type) {
    case 'troupe.crash':
      return `${incident.error.name} in ${incident.service} during ${incident.during}: ${incident.error.message}`;
    case 'troupe.failure':
      return `${incident.callback} threw ${incident.error.name}: ${incident.error.message}`;
    case 'troupe.violation':
      return `The remote side of a connection of ${incident.service} broke the protocol (${incident.code}): ${incident.error.message}`;
    case 'troupe.dead-letter':
      return `${incident.function} to “${incident.target}”: ${incident.status}, ${textOfBytes(incident.bytes)}${
        incident.missed > 0 ? `, ${incident.missed} not reached` : ''
      }`;
  }
}

/** The states in which it happened, as far as they are known. */
export function stateOfIncident(incident: Incident): string {
  if (incident.type !== 'troupe.crash') return '';
  const { connection, machine } = incident.state;
  const own = machine === undefined ? '' : `machine: ${textOfValue(machine)}; `;
  return `${own}connection: ${textOfValue(connection)}`;
}

/** The connection it happened on, if it was one. */
export function connectionOfIncident(incident: Incident): string | undefined {
  return 'connection' in incident ? incident.connection : undefined;
}
