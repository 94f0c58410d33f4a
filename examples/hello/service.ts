/**
 * The service of the seed document, with its functions in use: what is said
 * comes back, and everybody hears who joined and who left.
 *
 * A fresh instance of the class serves each connection.
 */
import { BasePath, OnClose, OnOpen, OnTextMessage, WebSocketUpgradePath, type Connection } from 'troupe';

@BasePath('/test')
@WebSocketUpgradePath('/websocket')
export class HelloWorld {
  @OnOpen()
  opened(connection: Connection): void {
    // The opener is a member already, so this is also the first thing that it reads.
    connection.broadcastText(`${connection.id} joined`);
  }

  @OnTextMessage()
  said(connection: Connection, text: string): void {
    connection.pushText(text);
  }

  @OnClose()
  left(connection: Connection): void {
    connection.broadcastText(`${connection.id} left`);
  }
}
