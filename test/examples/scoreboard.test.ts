import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { game, type scoreboard } from '../../examples/scoreboard/service.ts';
import { connect, type Client } from '../support/client.ts';
import { advance, serve } from '../support/server.ts';

async function play() {
  const clock = new SimulatedClock();
  const server = await serve([game], { clock });
  const join = (player: string): Promise<Client> => connect(server.url(`/scoreboard/${player}`));
  return { clock, join, shared: server.troupe.shared<typeof scoreboard>('/scoreboard/{player}') };
}

describe('the score board', () => {
  it('is told to everybody each second, with what everybody has scored', async () => {
    const { clock, join } = await play();
    const [ada, bob] = [await join('ada'), await join('bob')];
    expect(await ada.next()).toBe('{"secondsLeft":30,"scores":{}}');
    await bob.next();
    for (const text of ['hit', 'hit']) ada.send(text);
    bob.send('hit');
    await Promise.all([ada.ping(), bob.ping()]);
    await advance(clock, 1_000);
    const told = '{"secondsLeft":29,"scores":{"ada":2,"bob":1}}';
    expect([await ada.next(), await bob.next()]).toEqual([told, told]);
  });

  it('counts no hit once the time is over, until there is a rematch', async () => {
    const { clock, join, shared } = await play();
    const ada = await join('ada');
    ada.send('hit');
    await ada.ping();
    await advance(clock, 31_000, 1_000);
    ada.send('hit');
    await ada.ping();
    expect(shared.getSnapshot()).toMatchObject({ value: 'over', context: { secondsLeft: 0, scores: { ada: 1 } } });
    ada.send('rematch');
    ada.send('hit');
    await ada.ping();
    expect(shared.getSnapshot().context).toEqual({ secondsLeft: 30, scores: { ada: 1 } });
  });
});
