/** Whether and how outgoing messages are compressed. Off by default: it costs time, memory and some caution. */
import { checkCount, checkOptions, wrongType } from '../arguments.ts';

/** Which messages are compressed for those that negotiated it, and how hard zlib tries. */
export interface CompressionOptions {
  /** Shorter messages go as they are: they gain little. In bytes. @defaultValue 1 KiB */
  readonly thresholdBytes?: number;
  /**
   * Longer messages go as they are: compressing holds up all connections of the process, about 10 ms a MiB at the
   * default level. In bytes. @defaultValue 1 MiB
   */
  readonly maxBytes?: number;
  /** Of zlib: from 1, the fastest, to 9, the smallest. @defaultValue 6 */
  readonly level?: number;
}

/** Every compression option, filled in. */
export type Compression = Required<CompressionOptions>;

const defaults: Compression = Object.freeze({ thresholdBytes: 1024, maxBytes: 1_048_576, level: 6 });

const bounds: Readonly<Record<keyof Compression, readonly [least: number, most: number]>> = {
  thresholdBytes: [0, Number.MAX_SAFE_INTEGER],
  maxBytes: [0, Number.MAX_SAFE_INTEGER],
  level: [1, 9],
};

/** @throws {TroupeTypeError | TroupeRangeError} for what is no option */
export function checkCompression(compression: unknown): void {
  if (compression === undefined || typeof compression === 'boolean') return;
  if (typeof compression !== 'object' || compression === null) {
    throw wrongType('compression', 'true, false or an object', compression);
  }
  checkOptions('compression', compression, Object.keys(bounds));
  const given: CompressionOptions = compression;
  for (const key of ['thresholdBytes', 'maxBytes', 'level'] as const) {
    const value = given[key];
    if (value !== undefined) checkCount(`compression.${key}`, value, ...bounds[key]);
  }
}

/** The options with their defaults; undefined when nothing is compressed. */
export function resolveCompression(compression: boolean | CompressionOptions | undefined): Compression | undefined {
  if (compression === undefined || compression === false) return undefined;
  const { thresholdBytes, maxBytes, level } = compression === true ? {} : compression;
  return {
    thresholdBytes: thresholdBytes ?? defaults.thresholdBytes,
    maxBytes: maxBytes ?? defaults.maxBytes,
    level: level ?? defaults.level,
  };
}
