/** Names of rooms and of the people in them: what is fit, and under which key it is stored. */

const room = /^[\p{L}\p{N}_-]{1,32}$/u;

/** Letters, digits, marks, punctuation and symbols, emoji included. No spaces, nothing that cannot be seen. */
const nick = /^[\p{L}\p{N}\p{P}\p{S}][\p{L}\p{N}\p{P}\p{S}\p{M}]{0,23}$/u;

/** What breaks a line in two, or turns the reading direction round. */
const unfit = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu;

export const nickRule = 'one to 24 visible characters, without spaces, not starting with "/"';

export function isRoom(name: string): boolean {
  return room.test(name);
}

export function isNick(name: string): boolean {
  // A single character can stand for eighteen once it is normalised, and keys are not endless.
  return nick.test(name) && !name.startsWith('/') && name.normalize('NFKC').length <= 48;
}

/** A room has no colon in its name, so no two rooms share a key. Capitals make no second Alice. */
export function storedNick(inRoom: string, name: string): string {
  return `${groupOf(inRoom)}:${name.normalize('NFKC').toLowerCase()}`;
}

export function groupOf(inRoom: string): string {
  return `chat:${inRoom}`;
}

/** The text on one line, so that nobody can write a line in another's name. */
export function tidy(text: string): string {
  return text.replace(unfit, ' ').trim();
}
