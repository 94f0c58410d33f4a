/** What is said in a crowd: told by server and clients alike, so that clients know what must come. */

const LENGTH = 64;

/** A message of 64 bytes that is different for each number. */
export function textOf(kind: string, number: number): string {
  return `${kind} ${number} `.padEnd(LENGTH, '.');
}

export const GROUP_SIZE = 10;

export const pathOf = (index: number, group = Math.floor(index / GROUP_SIZE)): string => `/crowd/${group}/${index}`;
export const nameOf = (index: number | string): string => `member-${index}`;
export const groupOf = (group: number | string): string => `group-${group}`;

/** `count` numbers below `size`, as far from each other as they can be. */
export function spread(size: number, count: number): number[] {
  const many = Math.min(size, count);
  return Array.from({ length: many }, (_, at) => Math.floor((at * size) / many));
}
