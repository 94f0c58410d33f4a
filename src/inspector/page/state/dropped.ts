/** What the server has left out, and why. */
import type { Dropped } from './model.ts';

/** In a sentence; `''` when nothing was left out. */
export function textOfDropped({ count, busy }: Dropped, eventsPerSecond: number): string {
  if (count === 0) return '';
  const tooMany = `there were more than ${eventsPerSecond} a second`;
  const tooLong = 'describing them took too long';
  const why = busy === 0 ? tooMany : busy === count ? tooLong : `${tooMany}, or ${tooLong}`;
  return `The server left out ${count} frames: ${why}.`;
}
