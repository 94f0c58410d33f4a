/**
 * What the messages say. Both sides make them by themselves, so that the
 * generator knows every byte that has to come back.
 */

const filler = 'the quick brown fox jumps over the lazy dog, then sits down and waits for the next one ';
const sequenceDigits = 10;

/** A text of `bytes` ASCII characters: the sequence number, for whom or from whom, and filler. */
export function textOf(sequence: number, bytes: number, tag = ''): string {
  const head = `${String(sequence).padStart(sequenceDigits, '0')} ${tag} `;
  return (head + filler.repeat(Math.ceil(bytes / filler.length))).slice(0, bytes);
}

/** Under which the connection with this number is stored. */
export function nameOf(connection: number): string {
  return `n${connection}`;
}

/** The one group that all connections join. */
export const groupName = 'all';
