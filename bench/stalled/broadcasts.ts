/** Broadcasts that say when they were sent, and the check of what came. */

const LENGTH = 1_024;
const FILLER = 'every receiver gets the same bytes; ';

/** Microseconds of a clock that is the same for all processes of a machine. */
export function nowUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000);
}

const rest = (number: number): string => `${number} ${FILLER.repeat(LENGTH / FILLER.length)}`;

export function broadcastOf(number: number, sentUs: number): string {
  return `${sentUs} ${rest(number)}`;
}

/** When broadcast `number` was sent. @throws {Error} when `text` is not that broadcast */
export function sentAt(text: string, number: number): number {
  const end = text.indexOf(' ');
  if (text.slice(end + 1) !== rest(number))
    throw new Error(`expected broadcast ${number} and received "${text.slice(0, 40)}"`);
  return Number(text.slice(0, end));
}

const SURPLUS_BYTES = 32_768;

/** What only the reader that may stall is sent, so that it falls behind within seconds. */
export function surplusOf(number: number): string {
  return `surplus ${number} `.padEnd(SURPLUS_BYTES, '.');
}
