/** The charts of all actors that are looked at, side by side; now, or at a moment in the past. */
import type { Focus } from '../state/model.ts';
import type { Watched } from '../state/watched.ts';
import { edgesAt, hasEnded, knownAt } from '../state/watched.ts';
import { Chart, type Moment } from './chart.tsx';

const roles = { lifecycle: 'Lifecycle', service: 'The service’s machine', child: 'Child' };

export function Charts({ focus }: { readonly focus: Focus }) {
  const drawn = focus.actors.flatMap((sessionId) => {
    const answer = focus.graphs.get(sessionId);
    const watched = focus.watched.get(sessionId);
    return answer === undefined || watched === undefined ? [] : [{ sessionId, answer, watched }];
  });
  if (drawn.length === 0) return null;
  return (
    <div class="charts">
      {drawn.map(({ sessionId, answer, watched }) => (
        <Chart
          key={sessionId}
          title={titleOf(focus, sessionId, answer.graph.id)}
          graph={answer.graph}
          moment={momentOf(watched, focus.moment)}
        />
      ))}
    </div>
  );
}

function titleOf({ facts }: Focus, sessionId: string, machine: string): string {
  const actor = facts?.actors.find((actor) => actor.sessionId === sessionId);
  return actor === undefined ? machine : `${roles[actor.role]}: ${machine}`;
}

/** How the actor was at `moment`; as it is now without one. */
export function momentOf(watched: Watched, moment: number | undefined): Moment {
  const known = knownAt(watched, moment);
  const flashes = moment === undefined ? watched.flashes : edgesAt(watched, moment).map((edge) => ({ moment, edge }));
  const notes = [
    ...(moment === undefined ? [] : ['past']),
    ...(known === undefined ? ['not known'] : []),
    ...(hasEnded(watched, moment) ? ['ended'] : []),
  ];
  return { value: known?.snapshot?.value, active: known?.active, flashes, note: notes.join(', ') };
}
