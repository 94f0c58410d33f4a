import { nanoid } from 'nanoid';

/**
 * A new id: 126 random bits.
 *
 * nanoid puts it together of single characters, which V8 keeps as a chain of
 * pairs, 300 bytes, until somebody reads one of them; then it makes one string
 * of 40.
 */
export function newConnectionId(): string {
  const id = nanoid();
  id.charCodeAt(0);
  return id;
}
