/** What the actor of shared state can do: the functions of its service that need no connection. */
import { checkName } from '../arguments.ts';
import { frameText } from '../delivery/frame.ts';
import { TroupeError } from '../errors.ts';
import type { ServiceMessageFunctions } from '../service/bound-service.ts';
import type { Except, PushOptions } from '../service/connection.ts';
import type { MessageCodec } from '../service/message-codec.ts';
import { codecOf } from '../service/messages.ts';
import type { Answer, Delivery, Outcome } from '../service/outcome.ts';
import type { Functions } from './functions.ts';
import { binaryFrame, textFrame } from './push.ts';
import type { LiveService } from './service.ts';

export abstract class SharedFunctions implements ServiceMessageFunctions {
  protected readonly live: LiveService;

  constructor(live: LiveService) {
    this.live = live;
  }

  get service(): string {
    return this.live.name;
  }

  broadcastText(text: string, options?: Except): Delivery {
    return this.live.broadcast('broadcastText', textFrame(text, options), options);
  }

  broadcastBinary(data: Uint8Array, options?: Except): Delivery {
    return this.live.broadcast('broadcastBinary', binaryFrame(data, options), options);
  }

  broadcast(message: object, options?: Except): Delivery {
    return this.live.broadcast('broadcast', frameText(this.#codec('broadcast').encode(message)), options);
  }

  pushToConnection(name: string, message: object): Answer<Delivery> {
    checkName('name', name);
    const frame = frameText(this.#codec('pushToConnection').encode(message));
    return this.#functions.pushFrameToName('pushToConnection', name, frame);
  }

  pushToGroup(group: string, message: object, options?: Except): Delivery {
    checkName('group', group);
    const frame = frameText(this.#codec('pushToGroup').encode(message));
    return this.#functions.pushFrameToGroup('pushToGroup', group, frame, options);
  }

  pushTextToConnection(name: string, text: string, options?: PushOptions): Answer<Delivery> {
    return this.#functions.pushTextToConnection(name, text, options);
  }

  pushBinaryToConnection(name: string, data: Uint8Array, options?: PushOptions): Answer<Delivery> {
    return this.#functions.pushBinaryToConnection(name, data, options);
  }

  pushTextToGroup(group: string, text: string, options?: Except): Delivery {
    return this.#functions.pushTextToGroup(group, text, options);
  }

  pushBinaryToGroup(group: string, data: Uint8Array, options?: Except): Delivery {
    return this.#functions.pushBinaryToGroup(group, data, options);
  }

  removeStoredConnection(name: string): Answer<Outcome> {
    return this.#functions.removeStoredConnection(name);
  }

  closeStoredConnection(name: string, code?: number, reason?: string): Answer<Outcome> {
    return this.#functions.closeStoredConnection(name, code, reason);
  }

  removeConnectionGroup(group: string, options?: { readonly retire?: boolean }): Answer<Outcome> {
    return this.#functions.removeConnectionGroup(group, options);
  }

  closeConnectionGroup(group: string, code?: number, reason?: string): Answer<Outcome> {
    return this.#functions.closeConnectionGroup(group, code, reason);
  }

  get #functions(): Functions {
    return this.live.realm.functions;
  }

  #codec(name: string): MessageCodec {
    const { messages } = this.live.definition.options;
    if (messages === undefined)
      throw new TroupeError('TROUPE_MESSAGES_UNDECLARED', { service: this.service, function: name });
    return codecOf(messages);
  }
}
