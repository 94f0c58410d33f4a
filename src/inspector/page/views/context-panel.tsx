/** The context of each actor, as the server gives it out: redacted unless it was told otherwise. */
import { nameOfActor, type Focus, type State } from '../state/model.ts';
import { textOfDescribed } from '../state/value.ts';
import { hasEnded, knownAt } from '../state/watched.ts';

export function ContextPanel({ state, focus }: { readonly state: State; readonly focus: Focus }) {
  // The connection's own comes last: the facts say the same.
  const contexts = focus.actors.toReversed().flatMap((sessionId) => {
    const watched = focus.watched.get(sessionId);
    if (watched === undefined) return [];
    const snapshot = knownAt(watched, focus.moment)?.snapshot;
    const name = nameOfActor(state, sessionId) ?? watched.name;
    const status = hasEnded(watched, focus.moment) ? 'ended' : (snapshot?.status ?? 'not known');
    return [{ sessionId, name, snapshot, status }];
  });
  return (
    <section class="panel" aria-label="Context">
      <div class="panel-head">
        <h3>Context</h3>
        {focus.moment !== undefined && <strong class="past">past</strong>}
      </div>
      {contexts.map(({ sessionId, name, snapshot, status }) => (
        <details key={sessionId} open class="details">
          <summary>
            {name} <span class="note">{status}</span>
          </summary>
          <pre tabIndex={0} aria-label={`Context of ${name}`}>
            {textOfDescribed(snapshot?.context) || 'none'}
          </pre>
          {snapshot?.error !== undefined && <pre class="warn">{textOfDescribed(snapshot.error)}</pre>}
        </details>
      ))}
    </section>
  );
}
