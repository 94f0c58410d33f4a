/** What the options of a service must be. */
import { checkName, wrongType } from '../arguments.ts';
import { checkCompression } from './compression.ts';
import type { MessagesOption, ServiceOptions } from './definition.ts';
import { checkLimits } from './limits.ts';
import { checkMessages } from './message-rules.ts';
import { checkRecorder } from './recorder.ts';
import { checkSupervision } from './supervision.ts';

/** The token of RFC 9110 §5.6.2, of which the names of subprotocols are. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** @internal @throws {TroupeTypeError | TroupeRangeError} for what is none of the options of a service */
export function checkServiceOptions(options: ServiceOptions & MessagesOption): void {
  const { name, subprotocols, subprotocolRequired, allowedOrigins, limits, compression, supervision, http } = options;
  if (name !== undefined) checkName('name', name);
  if (subprotocols !== undefined && !(isStrings(subprotocols) && subprotocols.every((one) => TOKEN.test(one)))) {
    throw wrongType('subprotocols', 'an array of tokens such as "chat.v1"', subprotocols);
  }
  if (subprotocolRequired !== undefined && typeof subprotocolRequired !== 'boolean') {
    throw wrongType('subprotocolRequired', 'true or false', subprotocolRequired);
  }
  checkOrigins(allowedOrigins);
  if (limits !== undefined) checkLimits(limits);
  checkCompression(compression);
  checkSupervision(supervision);
  checkRecorder(options.recorder);
  if (http !== undefined && typeof http !== 'function') throw wrongType('http', 'a function', http);
  checkMessages(options.messages);
}

/** @internal */
export function checkOrigins(allowedOrigins: unknown): void {
  if (allowedOrigins === undefined || allowedOrigins === '*' || isStrings(allowedOrigins)) return;
  throw wrongType('allowedOrigins', '"*" or an array of origins such as "https://app.example"', allowedOrigins);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
