import { fromTransition } from 'xstate';
import { describe, expect, it } from 'vitest';
import { defineService, replayRecording, type Recording } from 'troupe';
import { connect } from '../support/client.ts';
import { Inbox } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

const counter = fromTransition((count: number, _event: { type: 'add' }) => count + 1, 0);

const counting = (recordings: Inbox<Recording>) =>
  defineService({
    basePath: '/counting',
    shared: counter,
    recorder: { onCrash: (recording) => recordings.push(recording) },
    onTextMessage(connection, text) {
      connection.shared.send({ type: 'add' });
      connection.pushText(String(connection.shared.getSnapshot().context));
      if (text === 'boom') throw new Error('boom');
    },
  });

describe('a replay of a service with shared state', () => {
  it.each([
    ['is the same while nobody else has changed it', 0],
    ['shows what others had sent to it as a difference', 2],
  ] as const)('%s', async (_, others) => {
    const recordings = new Inbox<Recording>();
    const service = counting(recordings);
    const server = await serve([service]);
    watch(server.troupe, 'connection.crashed');
    for (let other = 1; other <= others; other++)
      server.troupe.shared<typeof counter>('/counting').send({ type: 'add' });
    const client = await connect(server.url('/counting'));
    client.send('one');
    expect(await client.next()).toBe(String(others + 1));
    client.send('boom');
    const recording = await recordings.next();

    const { isSame, difference } = await replayRecording(recording.text, [service]);

    expect(isSame).toBe(others === 0);
    if (others > 0) expect(difference?.words).toEqual({ recorded: 'pushText("3")', replayed: 'pushText("1")' });
  });
});
