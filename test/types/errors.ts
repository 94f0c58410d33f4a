import { TroupeError, TroupeRangeError, TroupeTypeError, type ErrorCode, type ErrorFields } from 'troupe';

export const good = [
  new TroupeError('TROUPE_CLOSED', { state: 'closed' }, { cause: new Error('why') }),
  new TroupeTypeError('TROUPE_ARGUMENT_INVALID', { argument: 'text', expected: 'a string', received: 'a number' }),
  new TroupeRangeError('TROUPE_CLOSE_CODE_INVALID', { closeCode: 1005 }),
];

// @ts-expect-error: no such code
export const unknownCode = new TroupeError('TROUPE_UNKNOWN', {});

// @ts-expect-error: these fields belong to another code
export const otherFields = new TroupeError('TROUPE_CLOSED', { host: '127.0.0.1', port: 80 });

// @ts-expect-error: a field is missing
export const missingField = new TroupeError('TROUPE_ADDRESS_IN_USE', { host: '127.0.0.1' });

// @ts-expect-error: codes are compared, so a misspelt one is found
export const misspelt: ErrorCode = 'TROUPE_CLOSD';

export const fields: ErrorFields<'TROUPE_ADDRESS_IN_USE'> = { host: '127.0.0.1', port: 80 };
