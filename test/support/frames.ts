import type { Frame } from '../../src/delivery/frame.ts';

/** What a frame is on the wire. */
export function bytesOf({ store, start, end }: Frame): Uint8Array {
  return store.subarray(start, end);
}

/** The texts of the frames that lie one behind another in `wire`, none of them compressed. */
export function textsOf(wire: Uint8Array): string[] {
  const data = Buffer.from(wire);
  const texts: string[] = [];
  for (let at = 0; at < data.length;) {
    const code = data[at + 1]!;
    const header = code < 126 ? 2 : code === 126 ? 4 : 10;
    const length = code < 126 ? code : code === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
    texts.push(data.toString('utf8', at + header, at + header + length));
    at += header + length;
  }
  return texts;
}
