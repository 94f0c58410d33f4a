/** What the remote side reads when a message of its own is refused: nothing of the inside. */
import type { AnyMessageError, MessageRejection } from '../service/message-types.ts';

const texts: Readonly<Record<Exclude<MessageRejection, 'unexpected-reply' | 'invalid-reply'>, string>> = {
  'not-json': 'The text is not JSON.',
  'too-deep': 'Objects and arrays lie too deep in one another.',
  'number-too-large': 'A number is too large.',
  'not-a-message': 'The JSON is not an object with a type.',
  'unknown-type': 'There is no message of that type.',
  invalid: 'The message does not fit its schema.',
  'not-accepted': 'The message is not accepted now.',
};

export function describeRejection(reason: MessageRejection): string {
  return reason === 'unexpected-reply' || reason === 'invalid-reply' ? '' : texts[reason];
}

/** What a machine says of a message that it does not take in the state that it is in. */
export function describeUnaccepted(
  type: string,
  state: unknown,
  accepted: readonly string[],
): Pick<AnyMessageError, 'message' | 'state' | 'accepted'> {
  const where = typeof state === 'string' ? state : JSON.stringify(state);
  const list = accepted.length === 0 ? 'nothing' : accepted.map((one) => `"${one}"`).join(', ');
  return { message: `"${type}" is not accepted in state "${where}". Accepted: ${list}.`, state, accepted };
}

/** A request whose handler failed; that it failed is all that is said. */
export const FAILED: AnyMessageError = { code: 'internal', message: 'The request failed.' };
