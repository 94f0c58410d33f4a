/** Starts the page: the state, the link to the server, the address and the clock around it. */
import { render } from 'preact';
import { Layouter } from './chart/layout.ts';
import { initialState } from './state/model.ts';
import { entered } from './state/reduce.ts';
import { openSocket } from './socket.ts';
import { routeOf } from './state/route.ts';
import { Store } from './store.ts';
import { SUBPROTOCOL } from '../protocol.ts';
import { Viewer } from './viewer.ts';
import { App } from './views/app.tsx';
import { PageContext } from './views/context.ts';

// A token must not stay in the address: it would be copied and bookmarked. The server has it in a cookie by now.
if (location.search !== '') history.replaceState(null, '', `${location.pathname}${location.hash}`);

const route = routeOf(location.hash);
const store = new Store(entered(initialState(route, Date.now()), route));

const viewer = new Viewer(store, {
  connect: (listener) => openSocket(listener, SUBPROTOCOL),
  probe: () =>
    fetch(new URL('ws', location.href), { method: 'HEAD', cache: 'no-store' }).then(
      ({ status }) => status,
      () => undefined,
    ),
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, act) => void setTimeout(act, ms),
});
const layouter = new Layouter(({ answered, failed }) => {
  const worker = new Worker(new URL('elk-worker.min.js', location.href));
  worker.addEventListener('message', ({ data }) => answered(data));
  worker.addEventListener('error', failed);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- workers have none
  return { send: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
});

addEventListener('hashchange', () => store.dispatch({ type: 'route.changed', route: routeOf(location.hash) }));
// Nobody looks at a hidden page, so it asks for nothing; it goes on recording what it watches.
setInterval(() => {
  if (!document.hidden) store.dispatch({ type: 'ticked', at: Date.now() });
}, 1_000);

const root = document.querySelector('#page');
if (root !== null) {
  render(
    <PageContext.Provider value={{ store, viewer, layouter }}>
      <App />
    </PageContext.Provider>,
    root,
  );
}
viewer.start();
