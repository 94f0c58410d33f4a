/** One connection: its charts, its facts, what it does, and what it did. */
import type { ComponentChildren } from 'preact';
import { routeOfActor } from '../state/life.ts';
import type { ConnectionFacts, State } from '../state/model.ts';
import { hashOf } from '../state/route.ts';
import { textOfAge, textOfBytes, timeOf } from '../state/value.ts';
import { Actions } from './actions.tsx';
import { Badge } from './badge.tsx';
import { Charts } from './charts.tsx';
import { ContextPanel } from './context-panel.tsx';
import { Log } from './log.tsx';
import { Sequence } from './sequence.tsx';
import { Timeline } from './timeline.tsx';

export function ConnectionView({ state, connection }: { readonly state: State; readonly connection: string }) {
  const { focus, hello } = state;
  if (focus === undefined) return null;
  const { facts, asked } = focus;
  const isGone = asked?.problem !== undefined;
  return (
    <>
      <div class="panel-head">
        <h2>
          Connection <code>{connection}</code>
        </h2>
        {facts !== undefined && !isGone && (
          <span class="badges">
            <Badge state={facts.state} />
            <Badge state={facts.outbound} />
            <Badge state={facts.liveness} />
          </span>
        )}
      </div>
      {isGone && (
        <p class="panel warn" role="status">
          {facts === undefined
            ? 'There is no such connection, or not any more.'
            : 'This connection is closed. What was recorded of it is still here.'}
        </p>
      )}
      {facts === undefined && !isGone && <p class="panel">Looking it up …</p>}
      {facts !== undefined && (
        <>
          <Timeline focus={focus} />
          <Charts focus={focus} />
          <div class="halves">
            <Log state={state} focus={focus} />
            <ContextPanel state={state} focus={focus} />
          </div>
          <Sequence state={state} focus={focus} />
          <Facts facts={facts} state={state} />
          {hello?.allowActions === true && !isGone && <Actions state={state} connection={connection} />}
        </>
      )}
    </>
  );
}

function Facts({ facts, state }: { readonly facts: ConnectionFacts; readonly state: State }) {
  const { now, hello } = state;
  const parameters = Object.entries(facts.params);
  return (
    <section class="panel" aria-label="Facts">
      <h3>Facts</h3>
      <dl class="facts">
        <Fact name="Service">
          <a href={hashOf({ view: 'list', query: { of: 'connections', service: facts.service } })}>{facts.service}</a>
        </Fact>
        <Fact name="Path">{facts.path}</Fact>
        {parameters.length > 0 && (
          <Fact name="Parameters">{parameters.map(([name, value]) => `${name} = ${value}`).join(', ')}</Fact>
        )}
        <Fact name="Remote address">
          {facts.remoteAddress} {facts.isSecure ? '(encrypted)' : '(not encrypted)'}
        </Fact>
        {facts.subprotocol !== '' && <Fact name="Subprotocol">{facts.subprotocol}</Fact>}
        <Fact name="Open since">
          {timeOf(facts.openedAt)} ({textOfAge(now - facts.openedAt)})
        </Fact>
        <Fact name="Names">{facts.names.length === 0 ? 'none' : facts.names.join(', ')}</Fact>
        <Fact name="Groups">
          {facts.groups.length === 0 && 'none'}
          {facts.groups.map((group, index) => (
            <>
              {index > 0 && ', '}
              <a href={hashOf({ view: 'list', query: { of: 'connections', group } })}>{group}</a>
            </>
          ))}
        </Fact>
        <Fact name="Received">{textOfBytes(facts.bytesReceived)}</Fact>
        <Fact name="Waiting to be sent">{textOfBytes(facts.bufferedBytes)}</Fact>
        <Fact name="Messages waiting">{facts.waitingMessages}</Fact>
        <Fact name="Messages ignored">{facts.ignoredMessages}</Fact>
        <Fact name="Actors">
          <ul>
            {facts.actors.map(({ sessionId, name, role }) => (
              <li key={sessionId}>
                <a href={hashOf(routeOfActor(hello, sessionId))}>{name}</a> <span class="note">{role}</span>
              </li>
            ))}
          </ul>
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
