/**
 * The tape of one connection: the latest entries, bounded in number and in size.
 *
 * Entries are kept as lines of text, so that their size is known and nothing that the program changes later changes
 * them. They are forgotten in groups: an event together with what followed from it. What is left begins where the
 * service was idle, with what it held there.
 */
import type { RecordingGap } from '../service/recorder.ts';
import type { Base, Entry } from './entries.ts';

/** Where a group begins. */
export interface Footing {
  /** The {@link Base} as JSON; undefined before there is anything. */
  readonly base: string | undefined;
  /** The service is not in the middle of something. */
  readonly isIdle: boolean;
  readonly gaps: ReadonlySet<RecordingGap>;
}

/** Takes the entries of a connection as they come. */
export interface Sink {
  /** `footing`: the entry begins a group, from there. */
  write(entry: Entry, gaps: ReadonlySet<RecordingGap>, footing: Footing | undefined): void;
}

interface Group {
  readonly footing: Footing;
  readonly lines: string[];
  readonly gaps: Set<RecordingGap>;
  bytes: number;
}

export interface Kept {
  readonly base: Base | undefined;
  readonly gaps: ReadonlySet<RecordingGap>;
  readonly lines: readonly string[];
}

export class Tape implements Sink {
  readonly #maxGroups: number;
  readonly #maxBytes: number;
  #groups: Group[] = [];
  #bytes = 0;
  #isWhole = true;

  constructor(maxGroups: number, maxBytes: number) {
    this.#maxGroups = maxGroups;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  write(entry: Entry, gaps: ReadonlySet<RecordingGap>, footing: Footing | undefined): void {
    const line = JSON.stringify(entry);
    const bytes = Buffer.byteLength(line) + 1;
    let group = this.#groups.at(-1);
    if (footing !== undefined || group === undefined) group = this.#open(footing ?? NOWHERE);
    // One event that leads to more than there is room for: what it led to is what is left out, not how it ended.
    if (entry.kind === 'call' && group.bytes + bytes > this.#maxBytes / 2) {
      group.gaps.add('cut');
      return;
    }
    group.lines.push(line);
    for (const gap of gaps) group.gaps.add(gap);
    group.bytes += bytes;
    this.#bytes += bytes;
    if (this.#groups.length > this.#maxGroups || this.#bytes > this.#maxBytes) this.#forget();
  }

  kept(): Kept {
    const [first] = this.#groups;
    const gaps = new Set(this.#groups.flatMap((group) => [...group.gaps]));
    if (this.#isWhole || first === undefined) return { base: undefined, gaps, lines: this.#lines };
    const { base, isIdle, gaps: its } = first.footing;
    for (const gap of its) gaps.add(gap);
    if (base === undefined || !isIdle) gaps.add('beginning');
    return { base: base === undefined ? undefined : (JSON.parse(base) as Base), gaps, lines: this.#lines };
  }

  get #lines(): string[] {
    return this.#groups.flatMap(({ lines }) => lines);
  }

  #open(footing: Footing): Group {
    const isNew = footing.base !== this.#groups.at(-1)?.footing.base;
    const bytes = isNew ? Buffer.byteLength(footing.base ?? '') : 0;
    const group: Group = { footing, lines: [], gaps: new Set(), bytes };
    this.#groups.push(group);
    this.#bytes += bytes;
    return group;
  }

  /** Forgets the oldest groups, up to one that begins while the service is idle; always leaves the latest one. */
  #forget(): void {
    const last = this.#groups.length - 1;
    let count = 0;
    let bytes = this.#bytes;
    while (count < last && (this.#groups.length - count > this.#maxGroups || bytes > this.#maxBytes)) {
      bytes -= this.#groups[count++]!.bytes;
    }
    while (count < last && !this.#groups[count]!.footing.isIdle) bytes -= this.#groups[count++]!.bytes;
    if (count === 0) return;
    this.#groups = this.#groups.slice(count);
    this.#bytes = bytes;
    this.#isWhole = false;
  }
}

const NOWHERE: Footing = { base: undefined, isIdle: true, gaps: new Set() };
