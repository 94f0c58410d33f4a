/** What a viewer may do to a connection, where the server allows it. */
import { useState } from 'preact/hooks';
import type { State } from '../state/model.ts';
import { useAsk } from './context.ts';

export function Actions({ state, connection }: { readonly state: State; readonly connection: string }) {
  const ask = useAsk();
  const [text, setText] = useState('');
  return (
    <section class="panel" aria-label="Actions">
      <h3>Actions</h3>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          ask({ type: 'send', connection, text });
        }}
      >
        <label>
          Text to the remote side
          <input value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        <button type="submit">Send</button>
        <button type="button" class="danger" onClick={() => ask({ type: 'close', connection })}>
          Close the connection
        </button>
      </form>
      <output>{state.outcome?.text}</output>
    </section>
  );
}
