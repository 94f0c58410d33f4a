/** Parts of what happens as they are recorded: redacted as the service wants it, without secrets, within bounds. */
import type { RecordedPart, RecorderSettings, RecordingGap } from '../service/recorder.ts';
import { REDACTED, Secrets } from './secrets.ts';
import { encode, type Json } from './values.ts';

export interface PartsSetting {
  readonly settings: Pick<RecorderSettings, 'maxValueBytes' | 'redact' | 'include'>;
  /** Tells apart the objects that are connections. */
  readonly isConnection: (value: object) => value is { readonly id: string };
  readonly redactFailed: (error: unknown) => void;
}

const NO_GAPS: ReadonlySet<RecordingGap> = new Set();

export class Parts {
  readonly #setting: PartsSetting;
  readonly #secrets = new Secrets();
  #gaps = new Set<RecordingGap>();

  constructor(setting: PartsSetting) {
    this.#setting = setting;
  }

  includes(part: 'auth' | 'query' | 'address'): boolean {
    return this.#setting.settings.include.has(part);
  }

  keepSecret(value: unknown): void {
    this.#secrets.add(value);
  }

  /** What is recorded of `value`, as JSON. */
  of(value: unknown, part: RecordedPart['part'], name = ''): Json {
    return this.plain(this.#redacted(value, { part, name }));
  }

  /** The same for what there is nothing to redact in. */
  plain(value: unknown): Json {
    const { settings, isConnection } = this.#setting;
    return encode(value, {
      maxLength: settings.maxValueBytes,
      text: (text) => this.#secrets.scrub(text),
      object: (object) => (isConnection(object) ? { $type: 'connection', id: object.id } : undefined),
      lost: (loss) => this.#gaps.add(loss),
    });
  }

  lacks(gap: RecordingGap): void {
    this.#gaps.add(gap);
  }

  /** What those lack that were made since this was asked last. */
  takeGaps(): ReadonlySet<RecordingGap> {
    const gaps = this.#gaps;
    if (gaps.size === 0) return NO_GAPS;
    this.#gaps = new Set();
    return gaps;
  }

  #redacted(value: unknown, part: RecordedPart): unknown {
    const { redact } = this.#setting.settings;
    if (redact === undefined) return value;
    try {
      const recorded = redact(value, part);
      if (recorded !== value) this.#gaps.add('redacted');
      return recorded;
    } catch (error) {
      this.#gaps.add('redacted');
      this.#setting.redactFailed(error);
      return REDACTED;
    }
  }
}
