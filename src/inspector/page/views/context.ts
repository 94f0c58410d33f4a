/** What views reach without it being handed through all of them. */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Layouter } from '../chart/layout.ts';
import type { Action, State } from '../state/model.ts';
import type { Wanted } from '../state/wanted.ts';
import type { Store } from '../store.ts';
import type { Viewer } from '../viewer.ts';

export interface PageTools {
  readonly store: Store;
  readonly viewer: Viewer;
  readonly layouter: Layouter;
}

export const PageContext = createContext<PageTools | undefined>(undefined);

/** Twenty pictures a second are enough, however many frames arrive. */
const pictureMs = 50;

function useTools(): PageTools {
  const tools = useContext(PageContext);
  if (tools === undefined) throw new Error('The page is rendered outside of its context.');
  return tools;
}

/** The state, followed: the calling view is rendered again, at most twenty times a second. */
export function usePageState(): State {
  const { store } = useTools();
  const [state, show] = useState(store.state);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let shownAt = 0;
    const showNow = (): void => {
      timer = undefined;
      shownAt = performance.now();
      show(store.state);
    };
    // What people do is answered at once; what the server tells waits for the next picture.
    const unsubscribe = store.subscribe((_after, _before, { type }) => {
      if (type !== 'frame' && type !== 'asked') showNow();
      else timer ??= setTimeout(showNow, Math.max(0, pictureMs - (performance.now() - shownAt)));
    });
    showNow();
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [store]);
  return state;
}

export function useDispatch(): (action: Action) => void {
  const { store } = useTools();
  return (action) => store.dispatch(action);
}

export function useAsk(): (wants: Wanted) => void {
  const { viewer } = useTools();
  return (wants) => viewer.ask(wants);
}

export function useRetry(): () => void {
  const { viewer } = useTools();
  return () => viewer.retryNow();
}

export function useLayouter(): Layouter {
  return useTools().layouter;
}
