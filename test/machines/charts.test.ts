import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  initialTransition,
  transition,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
} from 'xstate';
import { backplaneMachine } from '../../machines/backplane.ts';
import { connectionMachine } from '../../machines/connection.ts';
import { serverMachine } from '../../machines/server.ts';
import { serviceMachine } from '../../machines/service.ts';
import { sharedMachine } from '../../machines/shared.ts';
import { supervisorMachine } from '../../machines/supervisor.ts';
import { everyAnswer, eventTypesOf, reachable, withAnswers, type Answers } from '../support/charts.ts';

const folder = new URL('../../machines/', import.meta.url);
const machines: Readonly<Record<string, AnyStateMachine>> = {
  backplane: backplaneMachine,
  connection: connectionMachine,
  server: serverMachine,
  service: serviceMachine,
  shared: sharedMachine,
  supervisor: supervisorMachine,
};

type Plain = Readonly<Record<string, unknown>>;

/** The configuration as it was written: `setup` adds `schemas`, which no chart has. */
function configOf(machine: AnyStateMachine): Plain {
  const { schemas, ...config } = machine.config as Plain;
  expect(schemas).toBeUndefined();
  return config;
}

function* statesOf(config: Plain, path = '(root)'): Generator<readonly [path: string, config: Plain]> {
  yield [path, config];
  const states = (config['states'] ?? {}) as Readonly<Record<string, Plain>>;
  for (const [key, state] of Object.entries(states)) yield* statesOf(state, `${path}.${key}`);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function nameOf(reference: unknown): string {
  return typeof reference === 'string' ? reference : (reference as { type: string }).type;
}

/** All transitions that a state writes down, whatever triggers them. */
function transitionsOf(state: Plain): Plain[] {
  const { on = {}, always, onDone } = state;
  return [...Object.values(on as Plain), always, onDone]
    .flatMap(listOf)
    .map((written) => (typeof written === 'string' ? { target: written } : (written as Plain)));
}

function namedIn(config: Plain): { actions: Set<string>; guards: Set<string> } {
  const actions = new Set<string>();
  const guards = new Set<string>();
  for (const [, state] of statesOf(config)) {
    for (const action of [...listOf(state['entry']), ...listOf(state['exit'])]) actions.add(nameOf(action));
    for (const { actions: executed, guard } of transitionsOf(state)) {
      for (const action of listOf(executed)) actions.add(nameOf(action));
      if (guard !== undefined) guards.add(nameOf(guard));
    }
  }
  return { actions, guards };
}

it('covers every chart of the folder', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  expect(files.map((file) => file.replace(/\.ts$/, '')).toSorted()).toEqual(Object.keys(machines).toSorted());
});

describe.each(Object.entries(machines))('the chart "%s"', (name, machine) => {
  const config = configOf(machine);
  const source = readFileSync(new URL(`${name}.ts`, folder), 'utf8');

  it('is plain data, which any editor can read', () => {
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  it('is named after its file', () => {
    expect(config['id']).toBe(name);
  });

  it('opens with its theory of operation', () => {
    expect(source).toMatch(/^\/\*\*[^/]*\n \* Theory of operation\n/);
  });

  it('imports nothing but XState and its siblings', () => {
    const imported = [...source.matchAll(/from '([^']+)'|import\('([^']+)'\)/g)].map((match) => match[1] ?? match[2]);
    expect(imported.filter((module) => module !== 'xstate' && !/^\.\/[a-z-]+\.ts$/.test(module ?? ''))).toEqual([]);
  });

  it('describes every state', () => {
    const silent = [...statesOf(config)].filter(([, { description }]) => {
      return typeof description !== 'string' || description.length === 0;
    });
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  it('declares exactly the actions and guards that it names', () => {
    const named = namedIn(config);
    const { actions, guards } = machine.implementations;
    expect([...named.actions].toSorted()).toEqual(Object.keys(actions).toSorted());
    expect([...named.guards].toSorted()).toEqual(Object.keys(guards).toSorted());
  });

  it('has no timers, no actors and no data of its own', () => {
    for (const [path, state] of statesOf(config)) {
      expect(Object.keys(state), path).not.toContain('after');
      expect(Object.keys(state), path).not.toContain('invoke');
      expect(Object.keys(state), path).not.toContain('context');
      expect(state['type'], path).not.toBe('history');
    }
    expect(machine.implementations.actors).toEqual({});
    expect(machine.implementations.delays).toEqual({});
  });

  it('gives no two states the same id', () => {
    const ids = [...statesOf(config)].map(([, { id }]) => id).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('reaches every state', () => {
    const reached = new Set<string>();
    for (const { snapshot } of reachable(machine)) {
      for (const [path] of statesOf(config)) {
        const keys = path.split('.').slice(1);
        if (isActive(snapshot.value, keys)) reached.add(path);
      }
    }
    expect([...statesOf(config)].map(([path]) => path).filter((path) => !reached.has(path))).toEqual([]);
  });

  it('takes every transition that it draws', () => {
    // Every `provide` makes transitions of its own, so they are told apart by what they say.
    const keyOf = (one: AnyTransitionDefinition): string => JSON.stringify(one.toJSON());
    const taken = new Set<string>();
    const oracles = everyAnswer(machine).map((answers) => withAnswers(machine, () => answers));
    for (const { snapshot } of reachable(machine)) {
      for (const type of eventTypesOf(machine)) {
        for (const oracle of oracles) {
          const enabled = oracle.getTransitionData(oracle.resolveState(snapshot), { type });
          for (const one of enabled) taken.add(keyOf(one));
        }
      }
    }
    const drawn = allNodes(machine)
      .flatMap((node) => [...node.transitions.values()].flat())
      .filter(({ eventType }) => !String(eventType).startsWith('xstate.'));
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn.map(keyOf).filter((key) => !taken.has(key))).toEqual([]);
  });

  it('can always still come to its end', () => {
    const all = reachable(machine);
    const next = new Map(all.map(({ key, next: keys }) => [key, keys]));
    const ending = new Set(all.filter(({ snapshot }) => snapshot.status === 'done').map(({ key }) => key));
    expect(ending.size).toBeGreaterThan(0);
    for (let size = -1; size !== ending.size;) {
      size = ending.size;
      for (const [key, keys] of next) if (keys.some((one) => ending.has(one))) ending.add(key);
    }
    expect(all.filter(({ key }) => !ending.has(key)).map(({ key }) => key)).toEqual([]);
  });
});

function isActive(value: unknown, keys: readonly string[]): boolean {
  const [key, ...rest] = keys;
  if (key === undefined) return true;
  if (typeof value === 'string') return value === key && rest.length === 0;
  if (typeof value !== 'object' || value === null || !(key in value)) return false;
  return isActive((value as Plain)[key], rest);
}

type AnyNode = AnyStateMachine['root'];

function allNodes(machine: AnyStateMachine): AnyNode[] {
  const nodes: AnyNode[] = [];
  const visit = (node: AnyNode): void => {
    nodes.push(node);
    for (const child of Object.values(node.states as Readonly<Record<string, AnyNode>>)) visit(child);
  };
  visit(machine.root);
  return nodes;
}

type Stepped = [AnyMachineSnapshot, readonly { type: string }[]];

/** Walks a chart without running anything: where it is, and what it wants done. */
function walk(machine: AnyStateMachine) {
  let answers: Answers = {};
  const oracle = withAnswers(machine, () => answers);
  let [snapshot, executed] = initialTransition(oracle) as Stepped;
  const walker = {
    get snapshot() {
      return snapshot;
    },
    get value() {
      return snapshot.value as unknown;
    },
    /** What the last step wants done, in order. */
    get actions() {
      return executed.map(({ type }) => type);
    },
    send(event: string, given: Answers = {}) {
      answers = given;
      [snapshot, executed] = transition(oracle, snapshot, { type: event }) as Stepped;
      return walker;
    },
    sendAll(...events: readonly string[]) {
      for (const event of events) walker.send(event);
      return walker;
    },
  };
  return walker;
}

const connection = () => walk(connectionMachine);
const openConnection = () => connection().send('handler.settled');
const waiting: Answers = { isMessageWaiting: true };

/** The region of a connection, as its value says. */
function region(
  walker: { readonly value: unknown },
  name: 'lifecycle' | 'outbound' | 'inbound' | 'liveness' | 'authentication',
): unknown {
  return ((walker.value as Plain)['connected'] as Plain)[name];
}

describe('a connection that opens', () => {
  it('runs onOpen first', () => {
    expect(connection().actions).toEqual(['runOpen']);
    expect(region(connection(), 'lifecycle')).toEqual({ open: 'opening' });
  });

  it.each(['ws.text', 'ws.binary', 'ws.replaced', 'ws.draining', 'ws.idle', 'ws.auth.expiring', 'ws.auth.renewed'])(
    'has %s wait until onOpen has settled',
    (type) => {
      const walker = connection().send(type);
      expect(walker.actions).toEqual(['keepWaiting']);
      expect(region(walker, 'lifecycle')).toEqual({ open: 'opening' });
    },
  );

  it('handles what has waited once onOpen has settled', () => {
    const walker = connection().send('ws.text').send('handler.settled', waiting);
    expect(walker.actions).toEqual(['runWaiting']);
    expect(region(walker, 'lifecycle')).toEqual({ message: 'handling' });
  });

  it('is ready when nothing has waited', () => {
    const walker = openConnection();
    expect(walker.actions).toEqual([]);
    expect(walker.snapshot.hasTag('ready')).toBe(true);
  });

  it('finishes onOpen before onClose when the remote side is gone meanwhile', () => {
    const walker = connection().send('socket.closed');
    expect(walker.actions).toEqual(['rememberClose', 'purge', 'startCloseTimer']);
    expect(walker.send('handler.settled').actions).toEqual(['runClose']);
  });
});

describe('a connection that handles messages', () => {
  it('handles one at a time', () => {
    const walker = openConnection().send('ws.text');
    expect(walker.actions).toEqual(['runEvent']);
    expect(walker.send('ws.text').actions).toEqual(['keepWaiting']);
    expect(walker.send('ws.binary').actions).toEqual(['keepWaiting']);
  });

  it('handles the next waiting message when one has settled, and is open again after the last', () => {
    const walker = openConnection().sendAll('ws.text', 'ws.text');
    expect(walker.send('handler.settled', waiting).actions).toEqual(['runWaiting']);
    expect(region(walker, 'lifecycle')).toEqual({ message: 'handling' });
    expect(walker.send('handler.settled').actions).toEqual([]);
    expect(region(walker, 'lifecycle')).toEqual({ open: 'ready' });
  });

  it('notices silence and slow reading while a handler is busy', () => {
    const walker = openConnection().send('ws.text');
    expect(walker.send('heartbeat.silent').actions).toEqual(['sendPing']);
    expect(region(walker.send('outbound.filled'), 'outbound')).toBe('congested');
    expect(region(walker, 'lifecycle')).toEqual({ message: 'handling' });
  });
});

const serving = {
  opening: () => connection(),
  ready: () => openConnection(),
  handling: () => openConnection().send('ws.text'),
  lastMessages: () => openConnection().sendAll('ws.text', 'finish.requested'),
};
const busy = { opening: serving.opening, handling: serving.handling, lastMessages: serving.lastMessages };

describe.each(Object.entries(serving))('a connection in %s', (_name, arrange) => {
  const isBusy = arrange !== serving.ready;

  it('is addressed', () => {
    expect(arrange().snapshot.hasTag('serving')).toBe(true);
  });

  it('leaves with the reason of a handler that failed, and handles nothing more', () => {
    const walker = arrange().send('handler.failed');
    expect(walker.actions).toEqual([
      ...(isBusy ? ['discardWaiting'] : []),
      'reportCrash',
      'sendClose',
      'purge',
      'startCloseTimer',
      'runClose',
    ]);
    expect(region(walker, 'lifecycle')).toEqual({ closing: { handshake: 'awaiting', farewell: 'leaving' } });
  });

  it.each(['close.requested', 'socket.closing', 'socket.closed', 'protocol.violated'])(
    'is purged on %s, before onClose runs',
    (type) => {
      const walker = arrange().send(type);
      const done = [...walker.actions];
      if (isBusy) {
        expect(done).not.toContain('runClose');
        done.push(...walker.send('handler.settled').actions);
      }
      expect(done.filter((action) => action === 'purge')).toHaveLength(1);
      expect(done.filter((action) => action === 'runClose')).toHaveLength(1);
      expect(done.indexOf('purge')).toBeLessThan(done.indexOf('runClose'));
      expect(done.indexOf('startCloseTimer')).toBeLessThan(done.indexOf('runClose'));
      expect(walker.snapshot.hasTag('serving')).toBe(false);
    },
  );

  it('answers its own close with no message handled any more', () => {
    const walker = arrange().send('close.requested');
    expect(walker.actions).toContain('sendClose');
    expect(walker.actions.includes('discardWaiting')).toBe(isBusy);
    expect(walker.send('ws.text').actions).toEqual([]);
  });

  it('handles what came before the close frame of the remote side', () => {
    const walker = arrange().send('socket.closing');
    expect(walker.actions).not.toContain('discardWaiting');
    if (isBusy) expect(walker.send('handler.settled', waiting).actions).toEqual(['runWaiting']);
  });
});

describe('a connection whose service may begin anew', () => {
  const forgiven: Answers = { mayRestart: true };
  const restarting = () => openConnection().send('handler.failed', forgiven);

  it.each(['ready', 'handling'] as const)(
    'waits for it after a crash in %s, and is addressed all the while',
    (name) => {
      const walker = serving[name]().send('handler.failed', forgiven);
      const schedule = name === 'ready' ? 'scheduleOwnRestart' : 'scheduleRestart';
      expect(walker.actions).toEqual(['reportCrash', schedule]);
      expect(region(walker, 'lifecycle')).toEqual({ open: 'restarting' });
      expect(walker.snapshot.hasTag('serving')).toBe(true);
      expect(walker.send('ws.text').actions).toEqual(['keepWaiting']);
      // Of a machine the event has settled as well.
      expect(walker.send('handler.settled').actions).toEqual([]);
    },
  );

  it('begins at its start when it has failed in its opening', () => {
    expect(connection().send('handler.failed', forgiven).actions).toEqual(['reportCrash', 'scheduleFreshStart']);
    const again = restarting().send('restart.due').send('handler.failed', forgiven);
    expect(again.actions).toEqual(['reportCrash', 'scheduleFreshStart']);
  });

  it('begins when it is due, and handles what has waited', () => {
    const walker = restarting().send('restart.due');
    expect(walker.actions).toEqual(['cancelRestart', 'beginAgain']);
    expect(walker.send('ws.text').actions).toEqual(['keepWaiting']);
    expect(walker.send('handler.settled', waiting).actions).toEqual(['runWaiting']);
  });

  it('leaves when it fails once too often', () => {
    const walker = restarting().send('restart.due').send('handler.failed');
    expect(walker.actions.slice(0, 3)).toEqual(['discardWaiting', 'reportCrash', 'sendClose']);
  });

  it('is not begun anew while it drains', () => {
    expect(serving.lastMessages().send('handler.failed', forgiven).actions).toContain('sendClose');
  });

  it.each(['close.requested', 'finish.requested', 'protocol.violated', 'socket.closing', 'socket.closed'])(
    'leaves on %s while it waits',
    (type) => {
      const { actions } = restarting().send(type);
      expect(actions.slice(0, 2)).toEqual(['cancelRestart', 'discardWaiting']);
      expect(actions.at(-1)).toBe('runClose');
    },
  );
});

describe('a connection that drains', () => {
  it('takes in nothing more and handles what has arrived', () => {
    const walker = openConnection().sendAll('ws.text', 'ws.text').send('finish.requested');
    expect(walker.actions).toEqual(['stopReading', 'rememberFinish']);
    expect(walker.snapshot.hasTag('serving')).toBe(true);
    expect(walker.send('handler.settled', waiting).actions).toEqual(['runWaiting']);
    expect(walker.send('handler.settled').actions).toEqual(['sendFinishClose', 'purge', 'startCloseTimer', 'runClose']);
  });

  it('closes at once when it is idle', () => {
    expect(openConnection().send('finish.requested').actions).toEqual([
      'sendClose',
      'purge',
      'startCloseTimer',
      'runClose',
    ]);
  });

  it('lets onOpen finish first', () => {
    const walker = connection().send('finish.requested');
    expect(walker.actions).toEqual(['stopReading', 'rememberFinish']);
    expect(walker.send('handler.settled').actions).toEqual(['sendFinishClose', 'purge', 'startCloseTimer', 'runClose']);
  });
});

describe('a connection that closes', () => {
  const closing = () => openConnection().send('close.requested');

  it('is at its end when the socket is gone and the service has been told, in either order', () => {
    const first = closing().send('socket.closed');
    expect(first.snapshot.status).toBe('active');
    expect(first.send('farewell.settled').actions).toEqual(['release']);
    expect(first.snapshot.status).toBe('done');

    const second = closing().send('farewell.settled');
    expect(second.snapshot.status).toBe('active');
    expect(second.send('socket.closed').actions).toEqual(['release']);
    expect(second.snapshot.status).toBe('done');
  });

  it('reports an onClose that failed and ends all the same', () => {
    const walker = closing().send('farewell.failed');
    expect(walker.actions).toEqual(['reportCrash']);
    expect(walker.send('socket.closed').snapshot.status).toBe('done');
  });

  it('destroys the socket and waits for onClose no longer when its time is over', () => {
    const walker = closing().send('close.timedOut');
    expect(walker.actions).toEqual(['destroySocket', 'reportUnsettled']);
    expect(walker.send('socket.closed').snapshot.status).toBe('done');
  });

  it('gives onClose its own time when a handler has used up the first', () => {
    const walker = openConnection().sendAll('ws.text', 'close.requested').send('close.timedOut');
    expect(walker.actions).toEqual(['destroySocket', 'discardWaiting', 'reportUnsettled', 'runClose']);
    expect(walker.sendAll('socket.closed', 'close.timedOut').snapshot.status).toBe('done');
  });

  it('says goodbye when a handler fails meanwhile', () => {
    const walker = openConnection().sendAll('ws.text', 'close.requested').send('handler.failed');
    expect(walker.actions).toEqual(['discardWaiting', 'reportCrash', 'runClose']);
  });

  it.each(['ws.text', 'ws.draining', 'close.requested', 'finish.requested', 'protocol.violated', 'socket.closing'])(
    'is not moved by %s',
    (type) => {
      const walker = closing();
      const before = walker.value;
      expect(walker.send(type).actions).toEqual([]);
      expect(walker.value).toEqual(before);
    },
  );

  it('runs onClose exactly once, whatever happens', () => {
    const counted = reachable(connectionMachine).flatMap(({ snapshot, steps }) =>
      steps.map(({ actions, next }) => ({ from: snapshot, actions, next })),
    );
    for (const { from, actions, next } of counted) {
      const runs = actions.filter((action) => action === 'runClose').length;
      const entered = !isLeaving(from.value) && isLeaving(next.value);
      expect(runs, JSON.stringify([from.value, actions])).toBe(entered ? 1 : 0);
      // Once it has been entered there is no way back to before it.
      if (isLeaving(from.value) || isTold(from.value)) {
        expect(isLeaving(next.value) || isTold(next.value) || next.status === 'done').toBe(true);
      }
      if (isTold(from.value)) expect(isLeaving(next.value)).toBe(false);
      if (next.status === 'done') expect(isLeaving(from.value) || isTold(from.value)).toBe(true);
    }
  });

  it('is at its end after two time-outs and the end of its socket, wherever it is', () => {
    for (const { snapshot } of reachable(connectionMachine)) {
      if (!isActive(snapshot.value, ['connected', 'lifecycle', 'closing'])) continue;
      let current: AnyMachineSnapshot = snapshot;
      for (const type of ['close.timedOut', 'socket.closed', 'close.timedOut']) {
        if (current.status === 'active') [current] = transition(connectionMachine, current, { type } as never);
      }
      expect(current.status, JSON.stringify(snapshot.value)).toBe('done');
    }
  });
});

function isLeaving(value: unknown): boolean {
  return isActive(value, ['connected', 'lifecycle', 'closing', 'farewell', 'leaving']);
}

function isTold(value: unknown): boolean {
  return isActive(value, ['connected', 'lifecycle', 'closing', 'farewell', 'told']);
}

describe('the liveness of a connection', () => {
  it('pings after one silent interval, is suspect after the next and destroys the socket after the third', () => {
    const walker = openConnection();
    expect(walker.send('heartbeat.silent').actions).toEqual(['sendPing']);
    expect(region(walker, 'liveness')).toEqual({ alive: 'asked' });
    expect(walker.send('heartbeat.silent').actions).toEqual(['sendPing']);
    expect(region(walker, 'liveness')).toBe('suspect');
    expect(walker.send('heartbeat.silent').actions).toEqual(['destroySocket']);
  });

  it.each([1, 2])('is alive again when something is heard after %i silent intervals', (intervals) => {
    const walker = openConnection();
    for (let count = 0; count < intervals; count++) walker.send('heartbeat.silent');
    expect(walker.snapshot.hasTag('asked')).toBe(true);
    walker.send('heartbeat.heard');
    expect(region(walker, 'liveness')).toEqual({ alive: 'heard' });
    expect(walker.snapshot.hasTag('asked')).toBe(false);
  });
});

describe('the authentication of a connection', () => {
  it('has the service renew it when it expires soon, and is valid again when that did', () => {
    const walker = openConnection().send('auth.expiring');
    expect(walker.actions).toEqual(['renewAuth']);
    expect(region(walker, 'authentication')).toBe('expiring');
    expect(walker.send('auth.refreshed').actions).toEqual([]);
    expect(region(walker, 'authentication')).toBe('authValid');
  });

  it('finishes what has arrived at its end, and waits no longer after the time of a close', () => {
    const walker = openConnection().sendAll('ws.text', 'auth.expiring').send('auth.expired');
    expect(walker.actions).toEqual(['finishExpired']);
    expect(region(walker, 'authentication')).toBe('expired');
    expect(walker.send('auth.expired').actions).toEqual(['closeExpired']);
  });

  it('never comes back once it has expired', () => {
    const walker = openConnection().sendAll('auth.expiring', 'auth.expired', 'auth.refreshed', 'auth.expiring');
    expect(region(walker, 'authentication')).toBe('expired');
  });

  it('does nothing that the lifecycle would notice by itself', () => {
    const walker = openConnection().send('ws.text');
    const before = region(walker, 'lifecycle');
    expect(region(walker.sendAll('auth.expiring', 'auth.expired'), 'lifecycle')).toEqual(before);
  });
});

describe('the outbound side of a connection', () => {
  it('meets the slow-consumer policy only once it is congested', () => {
    const walker = openConnection();
    expect(walker.send('outbound.exceeded').actions).toEqual([]);
    expect(region(walker.send('outbound.filled'), 'outbound')).toBe('congested');
    expect(walker.send('outbound.exceeded').actions).toEqual(['applyOutboundPolicy']);
    expect(region(walker.send('outbound.drained'), 'outbound')).toBe('flowing');
    expect(walker.send('outbound.exceeded').actions).toEqual([]);
  });
});

describe('the inbound side of a connection', () => {
  it('is held until the rate is met again', () => {
    const walker = openConnection().send('rate.held');
    expect(walker.actions).toEqual(['reportThrottled']);
    expect(region(walker, 'inbound')).toBe('held');
    expect(region(walker.send('rate.met'), 'inbound')).toBe('flowing');
  });

  it('is the end of the connection where the service says so', () => {
    const walker = openConnection().send('rate.exceeded');
    expect(walker.actions).toEqual(['reportThrottled', 'closeForRate']);
    expect(region(walker, 'inbound')).toBe('flowing');
  });
});

const busyStates = Object.keys(busy);

it.each(busyStates)('holds a message back in %s', (state) => {
  expect(busy[state as keyof typeof busy]().send('ws.text').actions).toEqual(['keepWaiting']);
});

describe('a service', () => {
  const running = () => walk(serviceMachine);
  const tooMany: Answers = { hasFailed: true };

  it('fails by too many crashes only, and accepts nobody until its wait is over', () => {
    expect(running().send('member.crashed').value).toBe('running');
    const walker = running().send('member.crashed', tooMany);
    expect(walker.actions).toEqual(['beginRecovery']);
    expect(walker.snapshot.hasTag('accepting')).toBe(false);
    expect(walker.send('member.crashed', tooMany).actions).toEqual([]);
    expect(walker.send('recovery.due').actions).toEqual(['cancelRecovery', 'beginProbation']);
    expect(walker.snapshot.hasTag('accepting')).toBe(true);
  });

  it('fails when its shared state has, in running as on probation', () => {
    expect(running().send('shared.failed').actions).toEqual(['beginRecovery']);
    const recovering = running().send('shared.failed').send('recovery.due');
    expect(recovering.send('shared.failed').actions).toEqual(['cancelRecovery', 'beginRecovery']);
    expect(running().send('drain.requested').send('shared.failed').value).toBe('draining');
  });

  it('fails anew on probation, or has recovered', () => {
    const recovering = () => running().send('member.crashed', tooMany).send('recovery.due');
    expect(recovering().send('member.crashed', tooMany).actions).toEqual(['cancelRecovery', 'beginRecovery']);
    const recovered = recovering().send('recovery.passed');
    expect(recovered.actions).toEqual(['cancelRecovery', 'reportRecovered']);
    expect(recovered.value).toBe('running');
  });

  it.each([['running'], ['failed', 'member.crashed'], ['recovering', 'member.crashed', 'recovery.due']])(
    'goes on with its members while it is %s',
    (name, ...events) => {
      const arrange = () => events.reduce((walker, event) => walker.send(event, tooMany), running());
      expect(arrange().value).toBe(name);
      expect(arrange().send('member.leave').actions).toEqual(['removeMember']);
      expect(arrange().send('member.end').actions).toEqual(['forgetMember']);
      expect(arrange().send('broadcast').actions).toEqual(['broadcast']);
      expect(arrange().send('drain.requested').actions.at(-1)).toBe('beginDrain');
      expect(arrange().send('drain.requested', { isEmpty: true }).snapshot.status).toBe('done');
    },
  );

  it('accepts connections until it drains', () => {
    const walker = running();
    expect(walker.snapshot.hasTag('accepting')).toBe(true);
    expect(walker.send('member.add').actions).toEqual(['addMember']);
    expect(walker.send('drain.requested').actions).toEqual(['reportDraining', 'beginDrain']);
    expect(walker.snapshot.hasTag('accepting')).toBe(false);
    expect(walker.send('member.add').actions).toEqual([]);
  });

  it('stops at once when it has no member', () => {
    const walker = running().send('drain.requested', { isEmpty: true });
    expect(walker.actions).toEqual(['reportDraining', 'reportStopped']);
    expect(walker.snapshot.status).toBe('done');
  });

  it('still broadcasts while it drains, and stops with its last member', () => {
    const walker = running().send('drain.requested');
    expect(walker.send('broadcast').actions).toEqual(['broadcast']);
    expect(walker.send('member.leave').actions).toEqual(['removeMember']);
    expect(walker.send('member.end').actions).toEqual(['forgetMember']);
    expect(walker.snapshot.status).toBe('active');
    expect(walker.send('member.end', { isLast: true }).actions).toEqual(['forgetMember', 'reportStopped']);
    expect(walker.snapshot.status).toBe('done');
  });

  it('destroys what is left at the deadline', () => {
    expect(running().send('drain.requested').send('drain.timedOut').actions).toEqual(['destroyMembers']);
    expect(running().send('drain.timedOut').actions).toEqual([]);
  });
});

describe('the shared state of a service', () => {
  const running = () => walk(sharedMachine);
  const may = { mayRestart: true };

  it('begins anew after a wait, as often as it may', () => {
    const walker = running().send('actor.failed', may);
    expect(walker.actions).toEqual(['scheduleRestart']);
    expect(walker.send('actor.failed', may).actions).toEqual([]);
    expect(walker.send('restart.due').actions).toEqual(['cancelRestart', 'beginActor']);
    expect(walker.value).toBe('running');
  });

  it('makes its service fail when it may not, and begins when that recovers', () => {
    const walker = running().send('actor.failed');
    expect(walker.actions).toEqual(['failService']);
    expect(walker.send('recovery.begun').actions).toEqual(['beginActor']);
    // A service that recovers from crashes of its connections has nothing to begin.
    expect(walker.send('recovery.begun').actions).toEqual([]);
  });

  it('does not begin anew once its logic has come to its end', () => {
    const walker = running().send('actor.ended');
    expect(walker.actions).toEqual(['end']);
    for (const event of ['actor.failed', 'restart.due', 'recovery.begun'])
      expect(walker.send(event).actions).toEqual([]);
  });

  it.each([
    ['running', [], ['stopActor', 'end']],
    ['restarting', ['actor.failed'], ['cancelRestart', 'end']],
    ['ended', ['actor.ended'], ['end']],
  ])('stops with its service from %s', (_state, events, actions) => {
    const walker = events.reduce((walker, event) => walker.send(event, may), running()).send('stop.requested');
    expect(walker.actions).toEqual(actions);
    expect(walker.snapshot.status).toBe('done');
  });

  it('stops with its service when it has failed', () => {
    const walker = running().send('actor.failed').send('stop.requested');
    expect(walker.actions).toEqual(['end']);
    expect(walker.snapshot.status).toBe('done');
  });
});

describe('the supervisor', () => {
  const supervising = () => walk(supervisorMachine);

  it('lets services come and go while it is supervising', () => {
    const walker = supervising();
    expect(walker.snapshot.hasTag('attaching')).toBe(true);
    expect(walker.send('service.attach').actions).toEqual(['attachService']);
    expect(walker.send('service.replace').actions).toEqual(['replaceService']);
    expect(walker.send('service.detach').actions).toEqual(['detachService']);
    expect(walker.send('service.stopped').actions).toEqual(['forgetService']);
  });

  it('drains every service, lets none in, and says when the last has stopped', () => {
    const walker = supervising().send('stop.requested');
    expect(walker.actions).toEqual(['drainServices']);
    expect(walker.snapshot.hasTag('attaching')).toBe(false);
    expect(walker.send('service.attach').actions).toEqual([]);
    expect(walker.send('service.stopped').snapshot.status).toBe('active');
    expect(walker.send('service.stopped', { isLastService: true }).actions).toEqual(['forgetService', 'reportEmpty']);
  });

  it('has nothing to wait for when there is no service', () => {
    const walker = supervising().send('stop.requested', { hasNoService: true });
    expect(walker.actions).toEqual(['reportEmpty']);
    expect(walker.snapshot.hasTag('attaching')).toBe(false);
  });

  it('outlives the server', () => {
    const walker = supervising().send('stop.requested', { hasNoService: true });
    expect(walker.snapshot.status).toBe('active');
    expect(walker.send('server.closed').snapshot.status).toBe('done');
    expect(supervising().send('server.closed').snapshot.status).toBe('active');
  });
});

describe('the server', () => {
  const idle = () => walk(serverMachine);

  it('accepts upgrades before it listens, while it begins to, and while it does', () => {
    const walker = idle();
    expect(walker.snapshot.hasTag('accepting')).toBe(true);
    expect(walker.send('listen.requested').snapshot.hasTag('accepting')).toBe(true);
    expect(walker.send('listen.succeeded').actions).toEqual(['reportListening']);
    expect(walker.snapshot.hasTag('accepting')).toBe(true);
  });

  it('may listen again after it failed to', () => {
    const walker = idle().sendAll('listen.requested', 'listen.failed');
    expect(walker.value).toBe('idle');
    expect(walker.snapshot.hasTag('listenable')).toBe(true);
  });

  it.each([
    ['idle', []],
    ['starting', ['listen.requested']],
    ['listening', ['listen.requested', 'listen.succeeded']],
  ])('drains from %s: services first, ports after them', (_state, events) => {
    const walker = idle()
      .sendAll(...events)
      .send('drain.requested');
    expect(walker.actions).toEqual(['reportDraining', 'stopServices']);
    expect(walker.snapshot.hasTag('accepting')).toBe(false);
    expect(walker.send('services.stopped').actions).toEqual(['releasePorts']);
    expect(walker.send('ports.released').actions).toEqual(['reportClosed']);
    expect(walker.snapshot.status).toBe('done');
  });
});

describe('the link to the backplane', () => {
  const connecting = () => walk(backplaneMachine);
  const up = () => connecting().sendAll('link.opened', 'repair.done');

  it('relays only after it has been repaired', () => {
    const walker = connecting();
    expect(walker.snapshot.hasTag('relaying')).toBe(false);
    expect(walker.send('link.opened').actions).toEqual(['repair', 'startBeating']);
    expect(walker.snapshot.hasTag('relaying')).toBe(false);
    expect(walker.send('repair.done').actions).toEqual(['reportUp']);
    expect(walker.snapshot.hasTag('relaying')).toBe(true);
  });

  it('waits before the next attempt when one has failed', () => {
    const walker = connecting().send('link.failed');
    expect(walker.actions).toEqual(['reportFailed', 'stopBeating', 'disconnect', 'scheduleRetry']);
    expect(walker.send('retry.due').actions).toEqual(['cancelRetry', 'connect']);
  });

  it.each(['link.lost', 'beat.missed'])('is cut and made anew after %s', (event) => {
    const cut = ['reportLost', 'stopBeating', 'disconnect', 'scheduleRetry'];
    expect(up().send(event).actions).toEqual(['stopRelaying', ...cut]);
    expect(connecting().send('link.opened').send(event).actions).toEqual(cut);
  });

  it('repairs what others may have taken when its lease has lapsed', () => {
    expect(up().send('beat.lapsed').actions).toEqual(['stopRelaying', 'repair', 'startBeating']);
    const repairing = connecting().sendAll('link.opened', 'beat.lapsed');
    expect(repairing.actions).toEqual(['noteLapse']);
    expect(repairing.send('repair.done', { hasLapsed: true }).actions).toEqual(['repair', 'startBeating']);
    expect(repairing.send('repair.done', { hasLapsed: false }).actions).toEqual(['reportUp']);
  });

  it('gives up its names before it ends, and does not wait for a link to do so', () => {
    expect(up().send('leave.requested').actions).toEqual(['stopRelaying', 'stopBeating', 'leave']);
    expect(up().sendAll('leave.requested', 'leave.done').snapshot.status).toBe('done');
    expect(connecting().sendAll('link.failed', 'leave.requested').snapshot.status).toBe('done');
    const early = connecting().send('leave.requested');
    expect(early.actions).toEqual(['abandonAttempt', 'disconnect', 'reportStopped']);
  });
});
