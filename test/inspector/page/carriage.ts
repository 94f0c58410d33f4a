/** A machine and its child, which have each other do something, in the middle of their own step or after it. */
import { enqueueActions, setup, type AnyActorRef } from 'xstate';
import { connectionActions, type ServiceMachineInput, type WsEvent } from 'troupe';

/** Something that is sent on: in the middle of the own step (`now`), or once that is taken (`later`). */
export interface Errand {
  readonly when: 'now' | 'later' | 'never';
  /** What the other one is sent. */
  readonly what: 'turn' | 'close';
  /** What it is to do in turn. */
  readonly next?: Errand | undefined;
}
export type Turn = { readonly type: 'turn' | 'close'; readonly errand?: Errand | undefined };

const sentBy = ({ when, what, next }: Errand, asked: Errand['when'], to: AnyActorRef | undefined): void => {
  if (when === asked) to?.send({ type: what, errand: next } satisfies Turn);
};

const wheel = setup({
  types: {} as { events: Turn },
  actions: {
    now: ({ self, event }) => event.errand && sentBy(event.errand, 'now', self._parent),
    later: enqueueActions(({ self, event: { errand }, enqueue }) => {
      if (errand?.when === 'later') enqueue.sendTo(self._parent!, { type: errand.what, errand: errand.next });
    }),
  },
}).createMachine({
  id: 'wheel',
  initial: 'up',
  states: {
    up: { on: { '*': { target: 'down', actions: ['now', 'later'] } } },
    down: { on: { '*': { target: 'up', actions: ['now', 'later'] } } },
  },
});

const errandIn = (event: WsEvent | Turn): Errand | undefined => {
  if (event.type === 'ws.text') return JSON.parse(event.text) as Errand;
  return 'errand' in event ? event.errand : undefined;
};

const goes = (target: string) => ({
  'ws.text': { target, actions: ['now', 'later'] as const },
  turn: { target, actions: ['now', 'later'] as const },
  close: { target, actions: ['closeConnection', 'now', 'later'] as const },
});

export const carriage = setup({
  types: {} as { events: WsEvent | Turn; input: ServiceMachineInput; children: { wheel: 'wheel' } },
  actors: { wheel },
  actions: {
    ...connectionActions,
    now({ self, event }) {
      const errand = errandIn(event);
      if (errand !== undefined) sentBy(errand, 'now', self.getSnapshot().children['wheel']);
    },
    later: enqueueActions(({ event, enqueue }) => {
      const errand = errandIn(event);
      if (errand?.when === 'later') enqueue.sendTo('wheel', { type: 'turn', errand: errand.next });
    }),
  },
}).createMachine({
  id: 'carriage',
  invoke: { src: 'wheel', id: 'wheel' },
  initial: 'left',
  states: {
    left: { on: goes('right') },
    right: { on: goes('left') },
  },
});
