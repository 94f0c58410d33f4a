/** Many WebSocket clients in a process of their own: `crowd.ts <port> <count>`. Says `open` when all are, ends with its parent. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const AT_ONCE = 100;
/** An unfragmented text frame that says `hi`, masked with zeros. */
const HI = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
const sockets: Socket[] = [];

async function open(index: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET /crowd/${index} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(answer.toString('latin1'));
  sockets[index] = socket.on('error', () => {}).on('data', () => {});
}

let next = 0;
const lane = async (): Promise<void> => {
  while (next < count) await open(next++);
};
process.on('disconnect', () => process.exit());
process.on('message', () => {
  for (const socket of sockets) socket.write(HI);
});
await Promise.all(Array.from({ length: AT_ONCE }, lane));
process.send?.('open');
