/**
 * A folder of recordings.
 *
 * Whoever makes a service crash makes it write, so there are bounds: so many in a minute, and so many files; what is
 * there stays until somebody takes it away. A recording appears under its name when it is complete, for its owner alone.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Lately } from '../runtime/back-off.ts';
import type { Recording, RecordingFolder } from '../service/recorder.ts';

const SUFFIX = '.recording.jsonl';
const MINUTE_MS = 60_000;

export type Written =
  | { readonly file: string; readonly bytes: number }
  | { readonly refusal: 'rate' | 'files' }
  | { readonly error: unknown };

export class Folder {
  readonly folder: string;
  readonly #maxFiles: number;
  readonly #lately: Lately;
  /** One after the other, so that they are counted. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ folder, maxFiles, maxPerMinute }: Required<RecordingFolder>) {
    this.folder = resolve(folder);
    this.#maxFiles = maxFiles;
    this.#lately = new Lately(maxPerMinute, MINUTE_MS);
  }

  /** `now`: milliseconds of a clock that never goes back. Never rejects. */
  write(recording: Recording, now: number): Promise<Written> {
    if (this.#lately.isFullAt(now)) return Promise.resolve({ refusal: 'rate' });
    this.#lately.note(now);
    const written = this.#last.then(() => this.#write(recording)).catch((error: unknown): Written => ({ error }));
    this.#last = written;
    return written;
  }

  async #write({ service, connection, text }: Recording): Promise<Written> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const files = await readdir(this.folder);
    if (files.filter((file) => file.endsWith(SUFFIX)).length >= this.#maxFiles) return { refusal: 'files' };
    const time = new Date().toISOString().replaceAll(/[:.]/g, '-');
    const random = randomBytes(4).toString('hex');
    const file = join(this.folder, `${time}-${wordOf(service)}-${wordOf(connection)}-${random}${SUFFIX}`);
    const unfinished = `${file}.part`;
    try {
      await writeFile(unfinished, text, { mode: 0o600, flag: 'wx' });
      await rename(unfinished, file);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw error;
    }
    return { file, bytes: Buffer.byteLength(text) };
  }
}

/** What may stand in the name of a file anywhere. */
function wordOf(name: string): string {
  return name
    .replaceAll(/[^\w-]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 60);
}
