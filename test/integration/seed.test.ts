import { describe, expect, it } from 'vitest';
import { defineService, type Troupe } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { announcer, at, commander, echo, forms, idOf, run, secret, seen } from '../support/forms.ts';
import { createGate, Inbox, turn } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

/** The behaviours of the seed document, S1 to S19, once for each way to write a service. */
describe.each(forms)('the seed, as %s', (form) => {
  it('S1: echoes to the sender only', async () => {
    const server = await serve([echo(form, at('/test/websocket'))]);
    const sender = await connect(server.url('/test/websocket'));
    const other = await connect(server.url('/test/websocket'));

    sender.send('hello');
    expect(await sender.next()).toBe('hello');

    other.send('marker');
    expect(await other.next()).toBe('marker');
  });

  it('S2: broadcasts to the whole service, sender included, and to no other service', async () => {
    const here = commander(form, at('/here/ws'));
    const there = commander(form, at('/there/ws'));
    const server = await serve([here.service, there.service]);
    const [sender, colleague] = [await connect(server.url('/here/ws')), await connect(server.url('/here/ws'))];
    const stranger = await connect(server.url('/there/ws'));

    const { received } = await run(sender, 'broadcastText', 'to all');

    expect(received).toEqual(['to all']);
    expect(await seen(colleague)).toEqual(['to all']);
    expect(await seen(stranger)).toEqual([]);
  });

  it('S3: gives the opener the broadcast of its own onOpen', async () => {
    const server = await serve([announcer(form, at('/test/websocket'))]);
    const first = await connect(server.url('/test/websocket'));
    expect(await first.next()).toBe('joined');

    const second = await connect(server.url('/test/websocket'));
    expect(await second.next()).toBe('joined');
    expect(await first.next()).toBe('joined');
  });

  it('S4: keeps the broadcast of onClose from the leaver and gives it to the others', async () => {
    const server = await serve([announcer(form, at('/test/websocket'))]);
    const leaver = await connect(server.url('/test/websocket'));
    await leaver.next();
    const other = await connect(server.url('/test/websocket'));
    await other.next();
    await leaver.next();

    await leaver.close(1000);

    expect(await leaver.untilClosed()).toEqual([]);
    expect(await other.next()).toBe('left');
  });

  it('S5: pushes to a stored connection from another service and from an HTTP route', async () => {
    const here = commander(form, at('/here/ws'));
    const there = commander(form, at('/there/ws'));
    const troupe: { value?: Troupe } = {};
    const server = await serve([here.service, there.service], {
      http: (request, response) => {
        void (async () => {
          const name = (request.url ?? '').slice('/data/'.length);
          const delivery = await troupe.value?.pushTextToConnection(name, 'from HTTP');
          response.end(delivery?.status);
        })();
      },
    });
    troupe.value = server.troupe;
    const [stored, bystander] = [await connect(server.url('/here/ws')), await connect(server.url('/here/ws'))];
    const pusher = await connect(server.url('/there/ws'));
    await run(stored, 'storeConnection', 'alice');

    await run(pusher, 'pushTextToConnection', 'alice', 'from there');
    expect(await stored.next()).toBe('from there');

    const answer = await fetch(server.http('/data/alice'), { method: 'POST' });
    expect(await answer.text()).toBe('delivered');
    expect(await stored.next()).toBe('from HTTP');
    expect(await seen(bystander)).toEqual([]);
    expect(await seen(pusher)).toEqual([]);
  });

  it('S6: replaces a stored connection, which stays open and is no longer addressed', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const [previous, current] = [await connect(server.url('/a/b')), await connect(server.url('/a/b'))];
    await run(previous, 'storeConnection', 'alice');
    await run(current, 'storeConnection', 'alice');

    const { received } = await run(current, 'pushTextToConnection', 'alice', 'for the new one');

    expect(received).toEqual(['for the new one']);
    expect(await seen(previous)).toEqual([]);
    expect(previous.socket.readyState).toBe(previous.socket.OPEN);
  });

  it('S7: removes a stored name and keeps its socket open', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const [stored, other] = [await connect(server.url('/a/b')), await connect(server.url('/a/b'))];
    await run(stored, 'storeConnection', 'alice');
    await run(other, 'removeStoredConnection', 'alice');

    await run(other, 'pushTextToConnection', 'alice', 'lost');

    expect(await seen(stored)).toEqual([]);
    expect(await server.troupe.pushTextToConnection('alice', 'lost')).toMatchObject({ status: 'unknown' });
  });

  it('S8: answers a push to an unknown name with `unknown` and goes on', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const deadLetters = watch(server.troupe, 'push.dead-lettered');
    const client = await connect(server.url('/a/b'));

    const { received, answer } = await run(client, 'pushTextToConnection', 'nobody', 'hello?');

    expect(received).toEqual([]);
    if (form !== 'machine') expect(answer).toMatchObject({ status: 'unknown' });
    expect(await deadLetters.next()).toMatchObject({
      function: 'pushTextToConnection',
      target: 'nobody',
      status: 'unknown',
    });
  });

  it('S9: pushes to the members of a group only, whoever sends', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const url = server.url('/a/b');
    const [member, colleague, outsider] = [await connect(url), await connect(url), await connect(url)];
    await run(member, 'addConnectionToGroup', 'even');
    await run(colleague, 'addConnectionToGroup', 'even');

    const fromMember = await run(member, 'pushTextToGroup', 'even', 'from a member');
    const fromOutsider = await run(outsider, 'pushTextToGroup', 'even', 'from outside');

    expect(fromMember.received).toEqual(['from a member']);
    expect(fromOutsider.received).toEqual([]);
    expect(await seen(colleague)).toEqual(['from a member', 'from outside']);
    expect(await seen(member)).toEqual(['from outside']);
  });

  it('S10: delivers once to a connection that was added twice', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const client = await connect(server.url('/a/b'));
    await run(client, 'addConnectionToGroup', 'g');
    await run(client, 'addConnectionToGroup', 'g');

    const { received } = await run(client, 'pushTextToGroup', 'g', 'once');

    expect(received).toEqual(['once']);
  });

  it('S11: keeps one connection in two groups', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const client = await connect(server.url('/a/b'));
    await run(client, 'addConnectionToGroup', 'one');
    await run(client, 'addConnectionToGroup', 'two');

    expect((await run(client, 'pushTextToGroup', 'one', 'first')).received).toEqual(['first']);
    expect((await run(client, 'pushTextToGroup', 'two', 'second')).received).toEqual(['second']);
  });

  it('S12: leaves one group and keeps the other', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const [client, sender] = [await connect(server.url('/a/b')), await connect(server.url('/a/b'))];
    await run(client, 'addConnectionToGroup', 'one');
    await run(client, 'addConnectionToGroup', 'two');
    await run(client, 'removeConnectionFromGroup', 'one');

    await run(sender, 'pushTextToGroup', 'one', 'first');
    await run(sender, 'pushTextToGroup', 'two', 'second');

    expect(await seen(client)).toEqual(['second']);
  });

  it('S13: removes a group in silence, leaves the sockets open and starts a new one on the next add', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const url = server.url('/a/b');
    const [member, other, remover] = [await connect(url), await connect(url), await connect(url)];
    await run(member, 'addConnectionToGroup', 'odd');
    await run(other, 'addConnectionToGroup', 'odd');
    await run(other, 'addConnectionToGroup', 'kept');

    await run(remover, 'removeConnectionGroup', 'odd');
    await run(remover, 'pushTextToGroup', 'odd', 'lost');
    await run(remover, 'pushTextToGroup', 'kept', 'kept');
    expect(await seen(member)).toEqual([]);
    expect(await seen(other)).toEqual(['kept']);
    expect(server.troupe.pushTextToGroup('odd', 'lost')).toMatchObject({ status: 'unknown' });

    await run(other, 'addConnectionToGroup', 'odd');
    await run(remover, 'pushTextToGroup', 'odd', 'anew');
    expect(await seen(other)).toEqual(['anew']);
    expect(await seen(member)).toEqual([]);
  });

  it('S14: takes a push to an unknown group and its removal for what they are and goes on', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const client = await connect(server.url('/a/b'));

    const reports = [
      await run(client, 'pushTextToGroup', 'none', 'hello?'),
      await run(client, 'removeConnectionFromGroup', 'none'),
      await run(client, 'removeConnectionGroup', 'none'),
    ];

    for (const { received, answer } of reports) {
      expect(received).toEqual([]);
      if (form !== 'machine') expect(answer).toMatchObject({ status: 'unknown' });
    }
  });

  it('S15: runs onClose once with 1006 after a lost socket, purged from everywhere', async () => {
    const { service, closes } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const [lost, other] = [await connect(server.url('/a/b')), await connect(server.url('/a/b'))];
    const id = await idOf(lost);
    await run(lost, 'storeConnection', 'alice');
    await run(lost, 'addConnectionToGroup', 'g');

    void lost.terminate();

    expect(await closes.next()).toEqual({ id, code: 1006, reason: '' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.broadcastText('/a/b', 'x')).toMatchObject({ count: 1 });
    expect(await seen(other)).toEqual(['x']);
    expect(closes.all).toHaveLength(1);
  });

  it('S16: closes one connection, a stored one and a group', async () => {
    const { service, closes } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const url = server.url('/a/b');
    const [one, stored, member, colleague] = [
      await connect(url),
      await connect(url),
      await connect(url),
      await connect(url),
    ];
    const rest = await connect(url);
    await run(stored, 'storeConnection', 'alice');
    await run(member, 'addConnectionToGroup', 'even');
    await run(colleague, 'addConnectionToGroup', 'even');

    one.send(JSON.stringify([0, 'closeConnection']));
    expect(await one.closed).toEqual({ code: 1000, reason: '' });

    await run(rest, 'closeStoredConnection', 'alice', 4001, 'enough');
    expect(await stored.closed).toEqual({ code: 4001, reason: 'enough' });

    await run(rest, 'closeConnectionGroup', 'even', 3000, 'the group is closed');
    expect(await member.closed).toEqual({ code: 3000, reason: 'the group is closed' });
    expect(await colleague.closed).toEqual({ code: 3000, reason: 'the group is closed' });

    expect(server.troupe.pushTextToGroup('even', 'x')).toMatchObject({ status: 'unknown' });
    expect(await seen(rest)).toEqual([]);
    const codes: number[] = [];
    for (let index = 0; index < 4; index += 1) codes.push((await closes.next()).code);
    expect(codes).toEqual([1000, 4001, 3000, 3000]);
  });

  it('S17: answers 404 to an upgrade request for an unknown path', async () => {
    const server = await serve([echo(form, at('/test/websocket'))]);

    expect(await refused(server.url('/test/other'))).toMatchObject({ status: 404 });
    expect(await refused(server.url('/'))).toMatchObject({ status: 404 });
  });

  it('S18: handles the messages of one connection one at a time, in order', async () => {
    const { service } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const client = await connect(server.url('/a/b'));
    const sent = Array.from({ length: 200 }, (_, index) => `m${index}`);

    for (const text of sent) client.send(JSON.stringify([-1, 'pushText', text]));
    const { received } = await run(client, 'nothing');

    expect(received.filter((message) => !String(message).startsWith('done'))).toEqual(sent);
    // Each message ended before the next began.
    expect(received.filter((message) => String(message).startsWith('done'))).toHaveLength(sent.length);
    expect(received.map((message) => String(message).startsWith('done'))).toEqual(sent.flatMap(() => [false, true]));
  });

  it('S19: ends only the connection whose handler throws, with 1011 and without its words', async () => {
    const { service, closes } = commander(form, at('/a/b'));
    const server = await serve([service]);
    const crashes = watch(server.troupe, 'connection.crashed');
    const [victim, other] = [await connect(server.url('/a/b')), await connect(server.url('/a/b'))];
    const id = await idOf(victim);
    await run(victim, 'storeConnection', 'alice');
    await run(victim, 'addConnectionToGroup', 'g');

    victim.send(JSON.stringify([0, 'fail']));

    const { code, reason } = await victim.closed;
    expect(code).toBe(1011);
    expect(reason).not.toContain(secret);
    expect(await victim.untilClosed()).toEqual([]);
    const crash = await crashes.next();
    expect(crash).toMatchObject({ connection: { id }, service: '/a/b' });
    expect(String(crash.error)).toContain(secret);
    expect(await seen(other)).toEqual([]);
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
    if (form !== 'machine') expect(await closes.next()).toMatchObject({ id, code: 1011 });
    const newcomer = await connect(server.url('/a/b'));
    expect(await seen(newcomer)).toEqual([]);
  });
});

describe('the seed, with async handlers', () => {
  it('S18: handles no message before onOpen has finished and never two at once', async () => {
    const log: string[] = [];
    const handled = new Inbox<string>();
    const gate = createGate();
    const service = defineService({
      basePath: '/a',
      webSocketUpgradePath: '/b',
      async onOpen() {
        log.push('open begins');
        await gate.opened;
        log.push('open ends');
      },
      async onTextMessage(_connection, text) {
        log.push(`${text} begins`);
        await turn();
        log.push(`${text} ends`);
        handled.push(text);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url('/a/b'));
    client.send('1');
    client.send('2');
    client.send('3');
    // The pong shows that the server has read the three messages.
    await client.ping();
    expect(log).toEqual(['open begins']);

    gate.open();
    for (let count = 0; count < 3; count += 1) await handled.next();

    expect(log).toEqual(['open begins', 'open ends', '1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
  });
});
