/** Connects clients to a server by TCP: raw sockets, which cost less than what they measure. */
import { connect } from 'node:net';
import { sourceAddress } from '../generator/connections.ts';
import type { Connect } from './link.ts';
import { upgradeText } from './wire.ts';

/** All sockets read into it, one after another; clients are done with it when they return. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);

export function socketConnect(port: number): Connect {
  return (index, path, client) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      ...sourceAddress(index),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback(size, buffer) {
          client.onBytes((buffer as Buffer).subarray(0, size));
          return true;
        },
      },
    });
    // `close` follows and says all there is to say.
    socket.on('error', () => undefined);
    socket.on('close', () => client.onEnd());
    socket.write(upgradeText(path));
    return {
      write: (bytes) => socket.write(bytes),
      // A socket of Node ends its side by itself when the other one has.
      end: () => undefined,
      destroy: () => socket.destroy(),
      stall: () => socket.pause(),
      resume: () => socket.resume(),
    };
  };
}
