/** What schemas say of a message, within bounds: it is sent to the remote side, or stands in an error. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { MessageIssue } from './message-types.ts';

const MAX_ISSUES = 8;
const MAX_PATH = 8;
const MAX_TEXT = 200;
const MAX_KEY = 64;

export function issuesOf(issues: readonly StandardSchemaV1.Issue[]): MessageIssue[] {
  return issues.slice(0, MAX_ISSUES).map(({ message, path = [] }) => ({
    // Spread, as a library's own kind of array stays one when it is mapped.
    path: [...path].slice(0, MAX_PATH).map(keyOf),
    message: message.slice(0, MAX_TEXT),
  }));
}

function keyOf(segment: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key = typeof segment === 'object' ? segment.key : segment;
  return typeof key === 'number' ? key : String(key).slice(0, MAX_KEY);
}

/** The issues in one line. */
export function textOfIssues(issues: readonly StandardSchemaV1.Issue[]): string {
  return issuesOf(issues)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}
