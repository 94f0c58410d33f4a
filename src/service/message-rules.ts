/** What a service that declares messages must not say as well, as it would do nothing in silence. */
import { TroupeError } from '../errors.ts';
import { wrongType } from '../arguments.ts';
import type { Behaviour, HandlerName } from './definition.ts';
import type { AnyMessages } from './message-types.ts';
import { isMessages } from './messages.ts';

/** @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` when these are no messages of `defineMessages()` */
export function checkMessages(messages: unknown): void {
  if (messages !== undefined && !isMessages(messages)) {
    throw wrongType('messages', 'what defineMessages({...}) returns', messages);
  }
}

/** @throws {TroupeError} `TROUPE_MESSAGES_INVALID` when messages and behaviour contradict one another */
export function checkMessageHandlers(service: string, messages: AnyMessages | undefined, behaviour: Behaviour): void {
  const problem = problemOf(messages, behaviour);
  if (problem === undefined) return;
  throw new TroupeError('TROUPE_MESSAGES_INVALID', { reason: `service "${service}" ${problem}` });
}

function problemOf(messages: AnyMessages | undefined, behaviour: Behaviour): string | undefined {
  const has = (name: HandlerName): boolean =>
    behaviour.form === 'handlers'
      ? behaviour.handlers[name] !== undefined
      : behaviour.form === 'class' && behaviour.methods.has(name);
  if (messages === undefined) return has('onMessage') ? 'has onMessage, but declares no messages' : undefined;
  const { incoming = {}, onUnacceptedMessage = 'ignore' } = messages.declarations;
  if (behaviour.form === 'machine') {
    const events = behaviour.machine.events as readonly string[];
    return events.includes('ws.text') ? 'handles "ws.text", but reads all text as messages' : undefined;
  }
  if (has('onTextMessage')) return 'has onTextMessage, but reads all text as messages';
  if (Object.keys(incoming).length > 0 && !has('onMessage')) return 'declares incoming messages, but has no onMessage';
  if (onUnacceptedMessage === 'reply') return 'sets onUnacceptedMessage, but has no states: it is no machine';
  return undefined;
}
