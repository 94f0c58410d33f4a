/** Whether a machine is one for its service, as far as types can tell. */
import type { AnyStateMachine, EventFrom, InputFrom } from 'xstate';
import type { AnyMessages, MessageEvent } from './message-types.ts';

/** A machine that asks for more in its input than connections of the service have, or other messages: nothing is one. */
export type Fitting<Machine extends AnyStateMachine, Input, Messages> =
  Input extends InputFrom<Machine>
    ? [Misunderstood<Machine, Messages>] extends [never]
      ? Machine
      : { readonly events: Misunderstood<Machine, Messages> }
    : { readonly input: Input };

/** The messages of the service that the machine takes for something else. */
type Misunderstood<Machine extends AnyStateMachine, Messages> = Messages extends AnyMessages
  ? MessageEvent<Messages> extends infer Told
    ? Told extends { readonly type: string }
      ? Told extends Taken<Machine, Told['type']>
        ? never
        : Told['type']
      : never
    : never
  : never;
type Taken<Machine extends AnyStateMachine, Type> = [Extract<EventFrom<Machine>, { readonly type: Type }>] extends [
  never,
]
  ? unknown
  : Extract<EventFrom<Machine>, { readonly type: Type }>;
