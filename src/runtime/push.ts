/** What a push makes of its arguments: a frame that is checked, with its key where it has one. */
import { checkData, checkName, checkText } from '../arguments.ts';
import { frameBinary, frameText, KeyedFrame, type Frame } from '../delivery/frame.ts';
import type { PushOptions } from '../service/connection.ts';

export function textFrame(text: string, options: PushOptions | undefined): Frame {
  checkText(text);
  return keyed(frameText(text), options?.key);
}

export function binaryFrame(data: Uint8Array, options: PushOptions | undefined): Frame {
  checkData(data);
  return keyed(frameBinary(data), options?.key);
}

function keyed(frame: Frame, key: string | undefined): Frame {
  if (key === undefined) return frame;
  checkName('key', key);
  return new KeyedFrame(frame, key);
}
