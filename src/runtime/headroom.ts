/**
 * Keeps a stack that is used up from breaking what everybody shares.
 *
 * A handler that recurses without end is ended by the engine with a RangeError,
 * wherever the stack happens to be full. If that were inside a registry or a
 * service, its actor would be left half-way and answer nobody any more. So there
 * must be room enough before one is entered; if not, the RangeError is thrown
 * then, and it is the caller's alone.
 *
 * Asking costs half a microsecond. Within a handler the first calls are not
 * asked: it takes thousands to use up a stack, and few handlers make so many.
 */

const UNASKED_CALLS = 256;

/** As many arguments as take the room that a push needs on the stack, and more than four times that. */
const PUSH_ROOM = Array.from({ length: 2000 });
const CLOSE_ROOM = Array.from({ length: 8000 });

let unasked = 0;

/** User code begins on a stack that is almost empty. */
export function handlerBegins(): void {
  unasked = UNASKED_CALLS;
}

/** What follows may begin on any stack. */
export function handlerEnds(): void {
  unasked = 0;
}

/** @throws {RangeError} when an actor that is shared could not be entered safely. */
export function expectRoomToPush(): void {
  if (unasked-- <= 0) Reflect.apply(nothing, undefined, PUSH_ROOM);
}

/** @throws {RangeError} when a connection could not be closed, its `onClose` included, on what is left of the stack. */
export function expectRoomToClose(): void {
  if (unasked-- <= 0) Reflect.apply(nothing, undefined, CLOSE_ROOM);
}

function nothing(): void {}
