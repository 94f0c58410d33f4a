/** What the server describes, as text for people. */
import type { Described } from '../../protocol.ts';

/** A state value in one line: `chatting.quiet`, or `connected (lifecycle: open.ready, outbound: flowing)`. */
export function textOfValue(value: Described | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '';
  const parts = Object.entries(value as Readonly<Record<string, Described>>).map(([key, inside]) => ({
    key,
    text: textOfValue(inside),
  }));
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) {
    if (only.text === '') return only.key;
    return only.text.includes(',') ? `${only.key} (${only.text})` : `${only.key}.${only.text}`;
  }
  return parts.map(({ key, text }) => `${key}: ${text.includes(',') ? `(${text})` : text}`).join(', ');
}

/** As `textOfValue`, where there is little room: `open.ready, flowing, alive.heard`, without what is always the same. */
export function shortTextOfValue(value: Described | undefined): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return textOfValue(value);
  const regions = Object.values(value as Readonly<Record<string, Described>>);
  if (regions.length > 1) return regions.map(shortTextOfValue).filter(Boolean).join(', ');
  const [inside] = regions;
  const text = shortTextOfValue(inside);
  return text.includes(',') ? text : textOfValue(value);
}

const longestText = 20_000;

/** Anything described, indented and cut where it grows beyond what anybody reads. */
export function textOfDescribed(value: Described | undefined): string {
  const text = value === undefined ? '' : JSON.stringify(value, undefined, 2);
  return text.length <= longestText
    ? text
    : `${text.slice(0, longestText)}\n… ${text.length - longestText} characters more`;
}

/** `12 B`, `3.4 KiB`, `5.0 MiB`. */
export function textOfBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** The time of day with milliseconds, in the viewer's zone. */
export function timeOf(at: number): string {
  const date = new Date(at);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `just now`, `42 s`, `7 min`, `3 h`, `2 days`. */
export function textOfAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 1) return 'just now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
