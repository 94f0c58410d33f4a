import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { defineMessages, defineService } from 'troupe';
import { z } from 'zod';

const messages = defineMessages({
  incoming: { say: z.object({}), 'door.open': z.object({}) },
  outgoing: { said: z.object({}), sure: { message: z.object({}), reply: z.boolean() } },
});

/** Whatever a program without types may write. */
function machineOf(config: object) {
  return setup({}).createMachine(config);
}

const handling = (type: string) => machineOf({ states: { a: { on: { [type]: 'b' } }, b: {} }, initial: 'a' });

describe('a machine of a service with messages', () => {
  it.each([
    ['message.shout', 'it handles "message.shout", but the service\'s incoming messages are "say", "door.open"'],
    ['message.door.shut.*', 'it handles "message.door.shut.*", but the service\'s incoming messages are'],
    ['reply.said', 'it handles "reply.said", but the service\'s requests are "sure"'],
    ['unanswered.say', 'it handles "unanswered.say", but the service\'s requests are "sure"'],
  ])('that handles %s, which nobody sends, is refused when the service is defined', (type, reason) => {
    expect(() => defineService({ basePath: '/a', messages, machine: handling(type) })).toThrow(
      expect.objectContaining({
        code: 'TROUPE_MACHINE_UNFIT',
        fields: { service: '/a', reason: expect.stringContaining(reason) as string },
      }),
    );
  });

  it.each([
    'message.say',
    'message.door.*',
    'message.*',
    'reply.sure',
    'unanswered.*',
    'reply.*',
    '*',
    'own',
    'replyto',
  ])('may handle %s', (type) => {
    expect(defineService({ basePath: '/a', messages, machine: handling(type) }).name).toBe('/a');
  });

  it('is told that there are none of that kind', () => {
    const silent = defineMessages({ outgoing: { said: z.object({}) } });
    expect(() => defineService({ basePath: '/a', messages: silent, machine: handling('message.say') })).toThrow(
      'incoming messages are none',
    );
  });
});

describe('a machine of a service without messages', () => {
  it('calls its own events what it likes', () => {
    expect(defineService({ basePath: '/a', machine: handling('message.shout') }).name).toBe('/a');
  });
});
