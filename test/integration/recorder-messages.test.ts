import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import {
  defineMessages,
  defineService,
  messageActionsFor,
  replayRecording,
  type MessageEvent,
  type Recording,
} from 'troupe';
import { connect } from '../support/client.ts';
import { at } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

const path = '/asking/ws';
const messages = defineMessages({
  incoming: { start: z.object({}), stop: z.object({ why: z.string() }) },
  outgoing: {
    name: { message: z.object({}), reply: z.object({ name: z.string() }) },
    hello: z.object({ to: z.string() }),
  },
});

const onCrash = (recordings: Inbox<Recording>) => (recording: Recording) => recordings.push(recording);

/** Asks for a name when it is told to start, greets it, and fails when it is told to stop. */
const services = {
  handlers: (recordings: Inbox<Recording>) =>
    defineService({
      ...at(path),
      messages,
      recorder: { onCrash: onCrash(recordings) },
      async onMessage(connection, message) {
        if (message.type === 'stop') throw new Error(message.why);
        const { name } = await connection.request({ type: 'name' });
        connection.push({ type: 'hello', to: name });
      },
    }),
  machine: (recordings: Inbox<Recording>) => {
    const actions = messageActionsFor(messages);
    const machine = setup({
      types: {} as { context: { name: string }; events: MessageEvent<typeof messages> },
      actions: {
        ...actions,
        stop: ({ event }) => {
          throw new Error(event.type === 'message.stop' ? event.message.why : '');
        },
      },
    }).createMachine({
      id: 'asking',
      context: { name: '' },
      on: {
        'message.start': { actions: { type: 'request', params: { message: { type: 'name' } } } },
        'reply.name': {
          actions: [
            assign({ name: ({ event }) => event.data.name }),
            { type: 'push', params: ({ context }) => ({ message: { type: 'hello', to: context.name } }) },
          ],
        },
        'message.stop': { actions: 'stop' },
      },
    });
    return defineService({ ...at(path), messages, recorder: { onCrash: onCrash(recordings) }, machine });
  },
};

describe.each(['handlers', 'machine'] as const)('a service of declared messages as %s', (form) => {
  it('is replayed with the replies that its requests were given, and what it refused', async () => {
    const recordings = new Inbox<Recording>();
    const server = await serve([services[form](recordings)]);
    watch(server.troupe, 'connection.crashed');
    const client = await connect(server.url(path));
    client.send('{"type":"unheard"}');
    await client.next();
    client.send('{"type":"start"}');
    const { id } = JSON.parse((await client.next()) as string) as { id: number };
    client.send(JSON.stringify({ type: 'reply', id, result: { name: 'Ann' } }));
    expect(await client.next()).toContain('Ann');
    client.send('{"type":"stop","why":"enough"}');
    const recording = await recordings.next();

    const { difference, steps } = await replayRecording(recording.text, [services[form](new Inbox())]);

    expect(difference).toBeUndefined();
    expect(steps.at(-1)?.recorded).toContain('Error: enough');
  });
});
