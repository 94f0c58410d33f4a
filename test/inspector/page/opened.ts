/** The page without a browser: its store, on a real inspector. */
import { WebSocket } from 'ws';
import { onTestFinished } from 'vitest';
import { SUBPROTOCOL } from 'troupe/inspector';
import { initialState, type State } from '../../../src/inspector/page/state/model.ts';
import { entered } from '../../../src/inspector/page/state/reduce.ts';
import { routeOf } from '../../../src/inspector/page/state/route.ts';
import { Store } from '../../../src/inspector/page/store.ts';
import { Viewer } from '../../../src/inspector/page/viewer.ts';

export interface OpenedPage {
  readonly store: Store;
  until(fits: (state: State) => boolean): Promise<void>;
}

/** A page at `hash`. */
export function open(url: string, hash: string): OpenedPage {
  const route = routeOf(hash);
  const store = new Store(entered(initialState(route, Date.now()), route));
  const viewer = new Viewer(store, {
    connect: ({ opened, heard, closed }) => {
      const socket = new WebSocket(url, SUBPROTOCOL);
      onTestFinished(() => socket.terminate());
      socket.on('open', opened);
      socket.on('message', (data) => heard((data as Buffer).toString()));
      socket.on('close', closed);
      return socket;
    },
    probe: async () => undefined,
    now: () => Date.now(),
    random: () => 0,
    after: () => {},
  });
  viewer.start();
  const until = (fits: (state: State) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (state: State): void => {
        if (!fits(state)) return;
        stop();
        resolve();
      };
      const stop = store.subscribe(look);
      look(store.state);
    });
  return { store, until };
}
