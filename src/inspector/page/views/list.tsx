/** Services, connections, names or groups: searched by the server, given out page by page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConnectionItem, GroupItem, NameItem, ServiceItem } from '../../protocol.ts';
import type { State } from '../state/model.ts';
import { hasMore, isFruitless, itemsOf, keyOf, type ListItem, type Pages } from '../state/pages.ts';
import { routeOfActor } from '../state/life.ts';
import { hashOf, type ListQuery } from '../state/route.ts';
import { textOfAge } from '../state/value.ts';
import { Badge } from './badge.tsx';
import { useDispatch } from './context.ts';
import { Rows } from './rows.tsx';

const typingMs = 250;
const titles = { services: 'Services', connections: 'Connections', names: 'Named connections', groups: 'Groups' };
const hints = {
  services: 'name',
  connections: 'id, path, address or service',
  names: 'name or id of its connection',
  groups: 'name',
};

export function ListView({ state }: { readonly state: State }) {
  const dispatch = useDispatch();
  const { list } = state;
  if (list === undefined) return null;
  const { query, problem, pages } = list;
  const items = itemsOf(list);
  const total = totalOf(state, query);
  return (
    <section class="panel" aria-label={titles[query.of]}>
      <div class="panel-head">
        <h2>{titles[query.of]}</h2>
        <p class="note">
          {countText(list, items.length)}
          {total !== undefined && ` of ${total.toLocaleString()}`}
        </p>
      </div>
      <Filters state={state} query={query} />
      {problem !== undefined && (
        <p class="warn" role="alert">
          {problem}
        </p>
      )}
      {items.length === 0 && problem === undefined && (
        <p class="note">{hasMore(list) && !isFruitless(pages) ? 'Looking …' : 'Nothing found.'}</p>
      )}
      <Rows
        key={hashOf({ view: 'list', query })}
        label={titles[query.of]}
        items={items}
        rowHeight={56}
        total={hasMore(list) ? (total ?? -1) : items.length}
        keyOf={keyOf}
        row={(item) => <Row item={item} state={state} />}
        onSight={(sight) => dispatch({ type: 'list.scrolled', sight })}
      />
      {isFruitless(pages) && hasMore(list) && (
        <p>
          Much was looked through and nothing more was found.{' '}
          <button type="button" class="quiet" onClick={() => dispatch({ type: 'list.wentOn' })}>
            Go on looking
          </button>
        </p>
      )}
    </section>
  );
}

function countText(list: Pages, count: number): string {
  return hasMore(list) ? `${count.toLocaleString()} loaded` : count.toLocaleString();
}

/** How many there would be to list, where that is known. */
function totalOf({ overview }: State, query: ListQuery): number | undefined {
  if (overview === undefined || query.search !== undefined || query.group !== undefined) return undefined;
  if (query.of === 'names') return overview.names;
  if (query.of === 'groups') return overview.groups;
  if (query.of === 'services') return overview.serviceCount;
  if (query.state !== undefined) return undefined;
  const services = overview.services.filter(({ service }) => query.service === undefined || service === query.service);
  return services.reduce((sum, { connections }) => sum + connections.total, 0);
}

function Filters({ state, query }: { readonly state: State; readonly query: ListQuery }) {
  const [text, type] = useState(query.search ?? '');
  const go = (change: { readonly [Key in keyof ListQuery]?: ListQuery[Key] | undefined }): void => {
    const next = Object.fromEntries(Object.entries({ ...query, ...change }).filter(([, value]) => Boolean(value)));
    const hash = hashOf({ view: 'list', query: next as unknown as ListQuery });
    // Letters typed one after the other are no places to go back to.
    history.replaceState(null, '', hash);
    dispatchEvent(new HashChangeEvent('hashchange'));
  };
  // Who follows a link to another list finds there what that link says.
  const own = useRef(query.search);
  useEffect(() => {
    if (query.search !== own.current) type(query.search ?? '');
    own.current = query.search;
  }, [query.search]);
  useEffect(() => {
    if (text === (query.search ?? '')) return undefined;
    const search = (): void => {
      own.current = text || undefined;
      go({ search: text });
    };
    const timer = setTimeout(search, typingMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        Search
        <input
          type="search"
          value={text}
          placeholder={hints[query.of]}
          maxLength={200}
          onInput={({ currentTarget }) => type(currentTarget.value)}
        />
      </label>
      {query.of === 'connections' && (
        <>
          <label>
            Service
            <select value={query.service ?? ''} onChange={({ currentTarget }) => go({ service: currentTarget.value })}>
              <option value="">all</option>
              {servicesOf(state, query).map((service) => (
                <option key={service} value={service}>
                  {service}
                </option>
              ))}
            </select>
          </label>
          <label>
            State
            <select
              value={query.state ?? ''}
              onChange={({ currentTarget }) => go({ state: currentTarget.value as NonNullable<ListQuery['state']> })}
            >
              <option value="">all</option>
              <option value="open">open</option>
              <option value="restarting">restarting</option>
              <option value="message">message</option>
              <option value="closing">closing</option>
            </select>
          </label>
          {query.group !== undefined && (
            <button type="button" class="quiet" onClick={() => go({ group: undefined })}>
              Not only in group “{query.group}”
            </button>
          )}
        </>
      )}
    </form>
  );
}

/** The services to choose from; the chosen one is always among them. */
function servicesOf({ overview }: State, { service }: ListQuery): readonly string[] {
  const names = [...new Set(overview?.services.map(({ service }) => service))];
  return service === undefined || names.includes(service) ? names : [service, ...names];
}

function Row({ item, state }: { readonly item: ListItem; readonly state: State }) {
  if ('id' in item) return <ConnectionRow item={item} now={state.now} />;
  if ('name' in item) return <NameRow item={item} />;
  return 'group' in item ? <GroupRow item={item} /> : <ServiceRow item={item} state={state} />;
}

function ConnectionRow({ item, now }: { readonly item: ConnectionItem; readonly now: number }) {
  return (
    <>
      <p>
        <a href={hashOf({ view: 'connection', connection: item.id })}>{item.id}</a>
        <Badge state={item.state} />
        {item.outbound !== 'flowing' && <Badge state={item.outbound} />}
        {item.liveness !== 'alive' && <Badge state={item.liveness} />}
      </p>
      <p class="note">
        {item.path} · {item.remoteAddress} · open for {textOfAge(now - item.openedAt)}
      </p>
    </>
  );
}

function NameRow({ item }: { readonly item: NameItem }) {
  return (
    <>
      <p>
        <strong>{item.name}</strong>
      </p>
      <p class="note">
        connection <a href={hashOf({ view: 'connection', connection: item.connection })}>{item.connection}</a>
      </p>
    </>
  );
}

function GroupRow({ item }: { readonly item: GroupItem }) {
  return (
    <>
      <p>
        <a href={hashOf({ view: 'list', query: { of: 'connections', group: item.group } })}>{item.group}</a>
      </p>
      <p class="note">
        {item.count.toLocaleString()} {item.count === 1 ? 'member' : 'members'}
      </p>
    </>
  );
}

function ServiceRow({ item, state }: { readonly item: ServiceItem; readonly state: State }) {
  return (
    <>
      <p>
        <a href={hashOf(routeOfActor(state.hello, item.sessionId))}>{item.service}</a>
        <Badge state={item.state} />
      </p>
      <p class="note">
        {item.route} ·{' '}
        <a href={hashOf({ view: 'list', query: { of: 'connections', service: item.service } })}>
          {item.connections.toLocaleString()} connections
        </a>
      </p>
    </>
  );
}
