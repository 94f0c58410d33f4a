import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { defineService, replayRecording, type Connection, type RecorderOptions } from 'troupe';
import { Reel } from '../../src/recorder/reel.ts';
import { Tape } from '../../src/recorder/tape.ts';
import { connect } from '../support/client.ts';
import { at, forms } from '../support/forms.ts';
import { till } from '../support/recorded-services.ts';
import { serve, watch } from '../support/server.ts';

/** A folder that there is not yet, in one that goes when the test ends. */
function newFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'troupe-recorder-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'recordings');
}

const path = '/crash/ws';

/** Handlers that fail at every message. */
async function serveFailing(recorder: RecorderOptions) {
  const service = defineService({
    ...at(path),
    recorder,
    onTextMessage(_connection: Connection, text: string) {
      throw new Error(text);
    },
  });
  const server = await serve([service]);
  const crashes = watch(server.troupe, 'connection.crashed');
  const crash = async (): Promise<void> => {
    const client = await connect(server.url(path));
    client.send('boom');
    await client.closed;
    await crashes.next();
  };
  return { server, service, crash };
}

describe('a folder of recordings', () => {
  it('gets a complete file for its owner alone, which can be replayed', async () => {
    const folder = newFolder();
    const { server, service, crash } = await serveFailing({ onCrash: { folder } });
    const written = watch(server.troupe, 'recording.written');
    await crash();

    const fact = await written.next();

    const files = readdirSync(folder).map((file) => join(folder, file));
    expect(files).toEqual([fact.file]);
    expect(statSync(fact.file).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const text = readFileSync(fact.file, 'utf8');
    expect(fact).toMatchObject({ service: path, bytes: Buffer.byteLength(text), gaps: [] });
    expect(await replayRecording(text, [service])).toMatchObject({ isSame: true });
  });

  it('gets no more than it may hold, whoever has written them, and nothing is deleted', async () => {
    const folder = newFolder();
    const { server, crash } = await serveFailing({ onCrash: { folder, maxFiles: 2 } });
    const written = watch(server.troupe, 'recording.written');
    const dropped = watch(server.troupe, 'recording.dropped');
    await crash();
    await written.next();
    writeFileSync(join(folder, 'of-another-process.recording.jsonl'), '');

    await crash();

    expect(await dropped.next()).toMatchObject({ service: path, reason: 'files' });
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('gets no more in a minute than it may', async () => {
    const folder = newFolder();
    const { server, crash } = await serveFailing({ onCrash: { folder, maxPerMinute: 1 } });
    const dropped = watch(server.troupe, 'recording.dropped');
    const written = watch(server.troupe, 'recording.written');
    await crash();
    await crash();

    expect(await dropped.next()).toMatchObject({ service: path, reason: 'rate' });
    await written.next();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('that cannot be written to is told of, and harms nobody', async () => {
    const folder = newFolder();
    writeFileSync(folder, 'a file is in its place');
    const { server, crash } = await serveFailing({ onCrash: { folder } });
    const failed = watch(server.troupe, 'callback.failed');
    await crash();

    const { callback, error } = await failed.next();

    expect(callback).toContain(path);
    expect(error).toMatchObject({ code: 'TROUPE_RECORDING_UNWRITABLE', fields: { folder } });
    await crash();
  });
});

describe('a function that takes recordings', () => {
  it('may fail', async () => {
    const { server, crash } = await serveFailing({
      onCrash: () => {
        throw new Error('no room');
      },
    });
    const failed = watch(server.troupe, 'callback.failed');
    await crash();

    expect(await failed.next()).toMatchObject({ error: new Error('no room') });
    await crash();
  });
});

describe.each(forms)('a service as %s without a recorder', (form) => {
  it('makes nothing for one', async () => {
    const made = vi.spyOn(Tape.prototype, 'write');
    const asked = vi.spyOn(Reel.prototype, 'event');
    onTestFinished(() => {
      made.mockRestore();
      asked.mockRestore();
    });
    const server = await serve([till(form, { recorder: undefined }), till('handlers', { path: '/recorded' })]);
    const crashed = watch(server.troupe, 'connection.crashed');
    const client = await connect(server.url(`/till/${form}`));
    await client.next();
    const { id } = server.troupe.connections(`/till/${form}`).items[0]!;

    expect(server.troupe.recording(id)).toBeUndefined();
    client.send('boom');

    await crashed.next();
    expect(made).not.toHaveBeenCalled();
    expect(asked).not.toHaveBeenCalled();
    // The spies notice what one beside it makes.
    await (await connect(server.url('/recorded/handlers'))).next();
    expect(made).toHaveBeenCalled();
  });
});

describe('a recording', () => {
  /** Echoes, and holds what it was told last where its form holds things. */
  async function record(recorder: RecorderOptions, url = '', send: string | Uint8Array = 'hello') {
    const service = defineService({
      ...at('/secret/ws'),
      authenticate: ({ query }) => ({ name: 'ann', token: query.get('token') ?? '' }),
      recorder,
      onOpen(connection) {
        connection.attributes.set('auth', connection.auth);
        connection.attributes.set('greeting', `Bearer ${connection.auth.token}`);
        connection.pushText(connection.auth.token);
      },
      onTextMessage: (connection, text) => connection.pushText(text),
      onBinaryMessage: (connection, data) => connection.pushBinary(data),
    });
    const server = await serve([service]);
    watch(server.troupe, 'callback.failed');
    const client = await connect(server.url(`/secret/ws${url}`));
    await client.next();
    client.send(send);
    await client.next();
    const { id } = server.troupe.connections('/secret/ws').items[0]!;
    return { service, recording: server.troupe.recording(id)! };
  }
  const token = 'sesame-4711-0815';

  it('holds nothing of the query and of what it led to, wherever the service keeps it', async () => {
    const { recording } = await record({}, `?token=${token}`);

    expect(recording.text).not.toContain(token);
    expect(recording.text).not.toContain('127.0.0.1');
    expect(recording.text).toContain('Bearer [redacted]');
    expect(recording.gaps.toSorted()).toEqual(['auth', 'query']);
  });

  it('holds what it may, and can then be replayed', async () => {
    const { service, recording } = await record({ include: ['auth', 'query'] }, `?token=${token}`);

    expect(recording.text).toContain(token);
    expect(recording.gaps).toEqual([]);
    expect(await replayRecording(recording.text, [service])).toMatchObject({ isSame: true });
  });

  it('holds what `redact` makes of each part, and nothing where it fails', async () => {
    const { recording } = await record(
      {
        redact(value, { part, name }) {
          if (part === 'attributes') throw new Error('cannot say');
          return (part === 'event' && name === 'ws.text') || part === 'call'
            ? { type: 'ws.text', text: 'left out' }
            : value;
        },
      },
      '',
      'a password',
    );

    expect(recording.text).not.toContain('a password');
    expect(recording.text).not.toContain('greeting');
    expect(recording.text).toContain('left out');
    expect(recording.gaps).toContain('redacted');
  });

  it.each(['x'.repeat(50_000), new Uint8Array(50_000)])('cuts what is too large, and says so', async (large) => {
    const { recording } = await record({ maxBytes: 8192, maxValueBytes: 1024 }, '', large);

    expect(recording.text.length).toBeLessThan(8192);
    expect(recording.text).toContain('"$type":"cut"');
    expect(recording.gaps).toContain('cut');
  });
});

describe('the option `recorder`', () => {
  it.each([
    [{ evnets: 1 }, 'recorder.evnets'],
    [{ events: 0 }, 'recorder.events'],
    [{ maxBytes: 10 }, 'recorder.maxBytes'],
    [{ maxValueBytes: 10 ** 9 }, 'recorder.maxValueBytes'],
    [{ include: ['headers'] }, 'recorder.include'],
    [{ include: 'auth' }, 'recorder.include'],
    [{ redact: 'all' }, 'recorder.redact'],
    [{ onCrash: 'recordings' }, 'recorder.onCrash'],
    [{ onCrash: { folder: '' } }, 'recorder.onCrash.folder'],
    [{ onCrash: { folder: 'a', maxFiles: 0 } }, 'recorder.onCrash.maxFiles'],
  ])('%j is refused', (recorder, argument) => {
    const define = (): unknown => defineService({ recorder: recorder as RecorderOptions, onOpen() {} });
    expect(define).toThrow(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID', fields: expect.objectContaining({ argument }) }),
    );
  });
});
