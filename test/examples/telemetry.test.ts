import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { start as startLogs } from '../../examples/logs-pino/server.ts';
import { start as startMetrics } from '../../examples/telemetry-prometheus/server.ts';
import { connect, refused } from '../support/client.ts';
import { Inbox } from '../support/inbox.ts';
import { watch } from '../support/server.ts';

describe('telemetry-prometheus', () => {
  async function run() {
    const running = await startMetrics({ port: 0, metricsPort: 0 });
    onTestFinished(() => running.close());
    /** The value of a series in Prometheus's own format. */
    async function series(start: string): Promise<number | undefined> {
      const text = await (await fetch(running.metricsUrl)).text();
      const line = text.split('\n').find((one) => one.startsWith(start));
      return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
    }
    return { ...running, series };
  }

  test('Prometheus finds connections, messages and handlers by service', async () => {
    const { url, series } = await run();
    const client = await connect(`${url}/test/websocket`);
    await client.next();
    client.send('hello');
    expect(await client.next()).toBe('hello');

    const service = 'troupe_service="/test/websocket"';
    expect(await series(`troupe_active_connections{${service}`)).toBe(1);
    expect(await series(`troupe_connection_opened_total{${service}`)).toBe(1);
    const received = 'troupe_message_kind="text",network_io_direction="receive"';
    expect(await series(`troupe_message_count_total{${service},${received}`)).toBe(1);
    expect(await series(`troupe_message_io_total{${service},${received}`)).toBe(5);
    expect(await series(`troupe_handler_duration_count{${service},troupe_event="ws.text"`)).toBe(1);
  });

  test('and upgrades by status, closes by code, and the states of a machine', async () => {
    const { troupe, url, series } = await run();
    const closed = watch(troupe, 'connection.closed');
    await refused(`${url}/nothing`);
    const client = await connect(`${url}/chat/lobby`);
    client.send('alice');
    await client.next();
    await client.close(1000);
    await closed.next();

    const request = 'http_server_request_duration_count{http_request_method="GET",url_scheme="http"';
    const answered = (status: number) =>
      `${request},network_protocol_version="1.1",http_response_status_code="${status}"`;
    expect([await series(answered(404)), await series(answered(101))]).toEqual([1, 1]);
    const chat = 'troupe_service="/chat/{room}"';
    expect(await series(`troupe_connection_duration_count{${chat},troupe_close_code="1000"`)).toBe(1);
    expect(await series(`troupe_chart_transitions_total{${chat},troupe_chart="chat"`)).toBeGreaterThan(0);
    expect(await series(`troupe_chart_state_duration_count{${chat},troupe_chart="chat"`)).toBeGreaterThan(0);
  });

  test('nothing of it is served to those who use the services', async () => {
    const { url } = await run();
    expect((await fetch(`${url.replace('ws', 'http')}/metrics`)).status).toBe(404);
  });
});

describe('logs-pino', () => {
  async function run() {
    const lines = new Inbox<Record<string, unknown>>();
    const logger = pino(
      {},
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          for (const line of chunk.toString().trim().split('\n'))
            lines.push(JSON.parse(line) as Record<string, unknown>);
          done();
        },
      }),
    );
    const running = await startLogs({ port: 0, logger });
    onTestFinished(() => running.troupe.close());
    return { ...running, lines };
  }

  test('each line is an object with the name of the fact, its level and its fields', async () => {
    const { url, lines } = await run();
    const client = await connect(`${url}/test/websocket`);
    const opened = await lines.until(({ msg }) => msg === 'connection.opened');
    expect(opened).toMatchObject({
      level: pino.levels.values['info'],
      service: '/test/websocket',
      path: '/test/websocket',
      remoteAddress: '127.0.0.1',
      connection: expect.any(String),
    });
    await client.close(1000, 'bye\nnow');
    const closed = await lines.until(({ msg }) => msg === 'connection.closed');
    expect(closed).toMatchObject({ connection: opened['connection'], code: 1000, reason: 'bye\nnow' });
  });

  test('what is wrong is a warning, what failed an error with its stack', async () => {
    const { troupe, url, lines } = await run();
    await refused(`${url}/nothing`);
    expect(await lines.until(({ msg }) => msg === 'upgrade.refused')).toMatchObject({
      level: pino.levels.values['warn'],
      status: 404,
      path: '/nothing',
    });
    troupe.on('connection.opened', () => {
      throw new Error('broken');
    });
    await connect(`${url}/test/websocket`);
    expect(await lines.until(({ msg }) => msg === 'callback.failed')).toMatchObject({
      level: pino.levels.values['error'],
      callback: 'listener of "connection.opened"',
      err: { message: 'broken', stack: expect.stringContaining('telemetry.test') },
    });
  });

  test('the beginning and the end of the server are in it, and no message is', async () => {
    const { troupe, url, lines } = await run();
    const client = await connect(`${url}/test/websocket`);
    client.send('a secret');
    await client.next();
    await troupe.close();
    await lines.until(({ msg }) => msg === 'server.closed');
    const messages = lines.all.map(({ msg }) => msg);
    expect(messages).toEqual(expect.arrayContaining(['server.listening', 'service.draining', 'service.detached']));
    expect(JSON.stringify(lines.all)).not.toContain('a secret');
  });
});
