/** A chat room for each last segment of the path: /chat/lobby, /chat/kitchen. The machine does the rest. */
import { defineService } from 'troupe';
import { chatMachine } from './machine.ts';

export const chat = defineService({
  basePath: '/chat',
  webSocketUpgradePath: '/{room}',
  // The longest text is answered politely; ten times as much is not.
  limits: { maxPayload: 8 * 1024 },
  machine: chatMachine,
});
