/** What a viewer may do to a connection, where the server allows it. */
import { useState } from 'preact/hooks';
import { isLinked, type State } from '../state/model.ts';
import { useAsk } from './context.ts';

const whyNot = 'why-no-actions';

export function Actions({ state, connection }: { readonly state: State; readonly connection: string }) {
  const ask = useAsk();
  const [text, setText] = useState('');
  const canAct = isLinked(state);
  return (
    <section class="panel" aria-label="Actions">
      <h3>Actions</h3>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          // Return in the field asks for it as well.
          if (canAct) ask({ type: 'send', connection, text });
        }}
      >
        <label>
          Text to the remote side
          <input value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        <button type="submit" disabled={!canAct} aria-describedby={whyNot}>
          Send
        </button>
        <button
          type="button"
          class="danger"
          disabled={!canAct}
          aria-describedby={whyNot}
          onClick={() => ask({ type: 'close', connection })}
        >
          Close the connection
        </button>
      </form>
      <p id={whyNot} class={canAct ? 'hidden' : 'warn'}>
        {!canAct && 'Not possible now: there is no link to the server. The page tries again by itself.'}
      </p>
      <output>{state.outcome?.text}</output>
    </section>
  );
}
