/**
 * Close codes: what they mean, and whether a program should connect again.
 *
 * Source: RFC 6455 §7.4 and the IANA registry it opens (1012 to 1014, 3000).
 */

/** One close code. */
export interface CloseCode {
  readonly code: number;
  /** The name in the registry. */
  readonly name: string;
  /** When it is used here. */
  readonly meaning: string;
  /** May stand in a close frame; the others only describe how a connection ended. */
  readonly sendable: boolean;
  /** Whether it makes sense for the remote program to connect again: at once, after a pause, or not at all. */
  readonly reconnect: 'now' | 'later' | 'no';
}

/** The close codes that are used here, by number; beside 3000, 3000 to 4999 are free for libraries and applications. */
export const closeCodes = Object.freeze({
  1000: entry(1000, 'Normal Closure', 'The purpose is fulfilled, or the service ended the connection.', true, 'no'),
  1001: entry(1001, 'Going Away', 'The server shuts down, or the page was left.', true, 'later'),
  1002: entry(1002, 'Protocol Error', 'A frame broke the protocol.', true, 'no'),
  1003: entry(1003, 'Unsupported Data', 'A kind of data that the service does not accept.', true, 'no'),
  1005: entry(1005, 'No Status Received', 'The close frame carried no code.', false, 'no'),
  1006: entry(1006, 'Abnormal Closure', 'The connection was lost without a close frame.', false, 'later'),
  1007: entry(1007, 'Invalid Payload', 'Text that is not UTF-8, or data that does not fit its kind.', true, 'no'),
  1008: entry(1008, 'Policy Violation', 'A rule of the service was broken.', true, 'no'),
  1009: entry(1009, 'Message Too Big', 'A message over `maxPayload`.', true, 'no'),
  1010: entry(1010, 'Mandatory Extension', 'The remote program misses an extension.', true, 'no'),
  1011: entry(1011, 'Internal Error', 'A handler, guard or action of the service failed.', true, 'later'),
  1012: entry(1012, 'Service Restart', 'The service is being replaced.', true, 'now'),
  1013: entry(1013, 'Try Again Later', 'The remote side reads more slowly than it is sent to.', true, 'later'),
  1014: entry(1014, 'Bad Gateway', 'A gateway got an invalid answer.', true, 'later'),
  1015: entry(1015, 'TLS Handshake', 'The TLS handshake failed.', false, 'no'),
  3000: entry(3000, 'Unauthorized', 'The authentication has expired; connect again with another.', true, 'later'),
} as const satisfies Readonly<Record<number, CloseCode>>);

/** The most UTF-8 bytes that fit into a close frame beside the code (RFC 6455 §5.5). */
export const MAX_CLOSE_REASON_BYTES = 123;

/** Whether `code` may stand in a close frame. */
export function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return (closeCodes as Readonly<Record<number, CloseCode>>)[code]?.sendable ?? false;
}

function entry<const Code extends number>(
  code: Code,
  name: string,
  meaning: string,
  sendable: boolean,
  reconnect: CloseCode['reconnect'],
): CloseCode & { readonly code: Code } {
  return Object.freeze({ code, name, meaning, sendable, reconnect });
}
