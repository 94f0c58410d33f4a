/**
 * How much room text takes in a chart. Layout is made in a worker that has no
 * fonts, so charts use a monospaced one and count characters.
 */
export const fontSize = 12;
export const lineHeight = 16;
/** Monospaced fonts are 0.6 em wide; a little more is left for those that are not quite. */
const characterWidth = fontSize * 0.62;
const longest = 44;

/** Cut to what a box can hold; the whole text stands in the table. */
export function cut(text: string, most = longest): string {
  const characters = Array.from(text.slice(0, most * 4).replace(/\s+/g, ' '));
  return characters.length <= most && text.length <= most * 4
    ? characters.join('')
    : `${characters.slice(0, most - 1).join('')}…`;
}

export function widthOf(text: string): number {
  return Math.ceil(Array.from(text).length * characterWidth);
}
