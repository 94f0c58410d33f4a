import { describe, expect, it } from 'vitest';
import { replayRecording, type Recording } from 'troupe';
import { connect, type Client } from '../support/client.ts';
import { forms } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { services, till, type TillOptions } from '../support/recorded-services.ts';
import { serve, watch } from '../support/server.ts';

function linesOf({ text }: Recording): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Says each and waits for the answer. */
async function say(client: Client, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    client.send(text);
    await client.next();
  }
}

describe.each(forms)('a service as %s with a recorder', (form) => {
  async function open(options: TillOptions = {}) {
    const recordings = new Inbox<Recording>();
    const onCrash = (recording: Recording): void => recordings.push(recording);
    const server = await serve([till(form, { ...options, recorder: { onCrash, ...options.recorder } })]);
    watch(server.troupe, 'connection.crashed');
    const client = await connect(server.url(`/till/${form}`));
    expect(await client.next()).toBe('open');
    return { server, client, recordings };
  }

  it('hands out a recording of a crash that is replayed to the same state and the same error', async () => {
    const { client, recordings } = await open();
    await say(client, ['1', '20', '3']);
    client.send('boom');
    const recording = await recordings.next();

    expect(await client.closed).toMatchObject({ code: 1011 });
    expect(recording).toMatchObject({ service: `/till/${form}`, reason: 'crash', gaps: [] });
    const { isSame, difference, steps } = await replayRecording(recording.text, services);
    expect({ isSame, difference }).toEqual({ isSame: true, difference: undefined });
    expect(steps.at(-1)).toMatchObject({ kind: 'crash', recorded: expect.stringContaining('is no number') as string });
  });

  it('is told from a changed one at the first event that differs', async () => {
    const { client, recordings } = await open();
    await say(client, ['0', '0', '7']);
    client.send('boom');
    const recording = await recordings.next();

    const { isSame, difference, steps } = await replayRecording(recording.text, [till(form, { factor: 2 })]);

    expect(isSame).toBe(false);
    expect(difference?.words).toEqual({ recorded: 'pushText("7")', replayed: 'pushText("14")' });
    expect(steps.filter(({ recorded }) => recorded.startsWith('ws.text')).at(-1)?.recorded).toContain('"7"');
  });

  it.each(['start', 'snapshot'] as const)('is replayed across a restart from its %s, told of', async (restartFrom) => {
    const supervision = { onCrash: 'restart', restartFrom } as const;
    const { client, recordings } = await open({ supervision });
    await say(client, ['5']);
    client.send('boom');
    await recordings.next();
    if (restartFrom === 'start') expect(await client.next()).toBe('open');
    await say(client, ['6']);
    client.send('bang');
    const recording = await recordings.next();

    const lives = linesOf(recording).filter(({ kind }) => kind === 'begin' || kind === 'crash');
    expect(lives.map(({ kind, from = kind }) => from)).toEqual(['start', 'crash', restartFrom, 'crash']);
    const again = till(form, { supervision });
    expect(await replayRecording(recording.text, [again])).toMatchObject({ isSame: true, difference: undefined });
  });

  it('is recorded when somebody asks, and no longer than it lives', async () => {
    const { server, client } = await open();
    await say(client, ['1', '2']);
    const { id } = server.troupe.connections(`/till/${form}`).items[0]!;

    const recording = server.troupe.recording(id)!;

    expect(recording).toMatchObject({ connection: id, reason: 'asked' });
    expect(await replayRecording(recording.text, [till(form)])).toMatchObject({ isSame: true });
    const closed = watch(server.troupe, 'connection.closed');
    await client.close();
    await closed.next();
    expect(server.troupe.recording(id)).toBeUndefined();
  });

  it('forgets the oldest events, and is replayed from what it held then', async () => {
    const { client, recordings } = await open({ recorder: { events: 4 } });
    await say(client, ['1', '2', '3', '4', '5', '6', '7', '8']);
    client.send('boom');
    const recording = await recordings.next();

    const texts = linesOf(recording).filter(({ kind }) => kind === 'event');
    expect(texts.length).toBeLessThanOrEqual(4);
    expect(linesOf(recording)[0]).toHaveProperty('base');
    // What the instance of a class held is gone.
    expect(recording.gaps).toEqual(form === 'class' ? ['beginning'] : []);
    const { isSame } = await replayRecording(recording.text, [till(form)]);
    expect(isSame).toBe(form !== 'class');
  });
});
