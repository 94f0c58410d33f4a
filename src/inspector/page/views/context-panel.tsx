/** The context of each actor, as the server gives it out: redacted unless it was told otherwise. */
import { nameOfActor, type Focus, type State } from '../state/model.ts';
import { textOfDescribed } from '../state/value.ts';
import { snapshotAt } from '../state/watched.ts';

export function ContextPanel({ state, focus }: { readonly state: State; readonly focus: Focus }) {
  // The connection's own comes last: the facts say the same.
  const contexts = focus.actors.toReversed().flatMap((sessionId) => {
    const watched = focus.watched.get(sessionId);
    if (watched === undefined) return [];
    const snapshot = focus.moment === undefined ? watched.snapshot : snapshotAt(watched, focus.moment);
    const name = nameOfActor(state, sessionId) ?? watched.name;
    return [{ sessionId, name, snapshot, hasEnded: watched.hasEnded }];
  });
  return (
    <section class="panel" aria-label="Context">
      <div class="panel-head">
        <h3>Context</h3>
        {focus.moment !== undefined && <strong class="past">past</strong>}
      </div>
      {contexts.map(({ sessionId, name, snapshot, hasEnded }) => (
        <details key={sessionId} open class="details">
          <summary>
            {name} <span class="note">{hasEnded ? 'ended' : (snapshot?.status ?? 'not known')}</span>
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
