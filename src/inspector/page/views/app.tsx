/** The frame around all views: where one is, whether the server answers, where one can go. */
import { useEffect, useRef } from 'preact/hooks';
import { textOfDropped } from '../state/dropped.ts';
import { textOfLink } from '../state/link.ts';
import type { State } from '../state/model.ts';
import { hashOf, type Route } from '../state/route.ts';
import { ActorView } from './actor.tsx';
import { ConnectionView } from './connection.tsx';
import { usePageState, useRetry } from './context.ts';
import { IncidentsView } from './incidents.tsx';
import { ListView } from './list.tsx';
import { OverviewView } from './overview.tsx';
import { Tree } from './tree.tsx';

export function App() {
  const state = usePageState();
  const main = useRef<HTMLElement>(null);
  const place = state.route.view === 'list' ? state.route.query.of : hashOf(state.route);
  const first = useRef(place);
  useEffect(() => {
    document.title = `${titleOf(state.route)} · Troupe inspector`;
    // Who follows a link by keyboard goes on reading where it leads.
    if (first.current !== place) main.current?.focus({ preventScroll: true });
    first.current = place;
  }, [place]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => skip(event, main.current)}>
        Skip to the content
      </a>
      <header>
        <h1>
          <a href="#/">Troupe inspector</a>
        </h1>
        <LinkState state={state} />
      </header>
      <div class="columns">
        <nav aria-label="Server">
          <Tree state={state} />
        </nav>
        <main id="main" tabIndex={-1} ref={main} aria-label={titleOf(state.route)}>
          <p class={state.notice === '' ? 'hidden' : 'notice'} role="status">
            {state.notice}
          </p>
          <View state={state} />
        </main>
      </div>
      <Footer state={state} />
    </>
  );
}

/** The address behind `#` is a route, so the link cannot be left to the browser. */
function skip(event: Event, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
}

function View({ state }: { readonly state: State }) {
  const { route } = state;
  switch (route.view) {
    case 'overview':
      return <OverviewView state={state} />;
    case 'list':
      return <ListView state={state} key={route.query.of} />;
    case 'connection':
      return <ConnectionView state={state} connection={route.connection} key={route.connection} />;
    case 'actor':
      return <ActorView state={state} sessionId={route.sessionId} key={route.sessionId} />;
    case 'incidents':
      return <IncidentsView state={state} />;
  }
}

function LinkState({ state }: { readonly state: State }) {
  const retry = useRetry();
  const { link, now } = state;
  const mood = link.phase === 'open' ? 'well' : link.phase === 'lost' || link.attempt > 0 ? 'lost' : 'waiting';
  return (
    <div class="link" data-mood={mood}>
      <span>{textOfLink(link)}</span>
      {link.phase === 'lost' && (
        <>
          {/* Seconds that count down are for the eye only. */}
          <span aria-hidden="true"> ({Math.max(0, Math.ceil((link.retryAt - now) / 1000))} s)</span>{' '}
          <button type="button" class="quiet" onClick={retry}>
            Try now
          </button>
        </>
      )}
    </div>
  );
}

function Footer({ state }: { readonly state: State }) {
  const { hello, dropped, overview } = state;
  const redacted = { all: 'Payloads and context are redacted.', custom: 'Some values are redacted.', none: '' };
  return (
    <footer>
      {hello !== undefined && <span>{redacted[hello.redact]} </span>}
      {overview !== undefined && overview.viewers > 1 && <span>{overview.viewers} viewers are watching. </span>}
      {hello !== undefined && <span class="warn">{textOfDropped(dropped, hello.limits.eventsPerSecond)}</span>}{' '}
      <a href="stately">Stately’s inspector</a> can look as well.
    </footer>
  );
}

export function titleOf(route: Route): string {
  switch (route.view) {
    case 'overview':
      return 'Overview';
    case 'incidents':
      return 'Incidents';
    case 'connection':
      return `Connection ${route.connection}`;
    case 'actor':
      return `Actor ${route.sessionId}`;
    case 'list':
      return { services: 'Services', connections: 'Connections', names: 'Named connections', groups: 'Groups' }[
        route.query.of
      ];
  }
}
