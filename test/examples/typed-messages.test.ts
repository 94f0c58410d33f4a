import { describe, expect, it } from 'vitest';
import { TasksClient } from '../../examples/typed-messages/client.ts';
import { createTasks } from '../../examples/typed-messages/service.ts';
import { connect } from '../support/client.ts';
import { Inbox } from '../support/inbox.ts';
import { serve, type Server } from '../support/server.ts';

/** A client whose state after each message can be awaited. */
async function join(server: Server, confirm: (question: string) => boolean = () => true) {
  const { socket } = await connect(server.url('/tasks'));
  const states = new Inbox<string[]>();
  const client: TasksClient = new TasksClient(
    {
      send: (text) => socket.send(text),
      addEventListener: (_type, listener) => socket.on('message', (data: Buffer) => listener({ data: String(data) })),
    },
    confirm,
    () => states.push([...client.titles.values()]),
  );
  return { client, states };
}

describe('the shared list of tasks', () => {
  it('numbers what is added for who added it, and tells the others', async () => {
    const server = await serve([createTasks()]);
    const { client: ada } = await join(server);
    const { client: bob, states } = await join(server);
    expect(await ada.add('  Write the report  ')).toBe(1);
    await states.until((titles) => titles.includes('Write the report'));
    bob.finish(1);
    await states.until((titles) => titles.includes('Write the report (done)'));
    expect(await ada.remove(1)).toBe(true);
    await states.until((titles) => titles.length === 0);
  });

  it('asks before it removes what is not done', async () => {
    const server = await serve([createTasks()]);
    const questions: string[] = [];
    const { client } = await join(server, (question) => {
      questions.push(question);
      return questions.length > 1;
    });
    await client.add('Call home');
    expect([await client.remove(1), await client.remove(1)]).toEqual([false, true]);
    expect(questions[0]).toBe('"Call home" is not done. Remove it?');
  });

  it('refuses what it declares as errors, and what fails its schema', async () => {
    const server = await serve([createTasks()]);
    const { client } = await join(server);
    await expect(client.remove(9)).rejects.toThrow('There is no task with that number.');
    await expect(client.add('   ')).rejects.toThrow('The message does not fit its schema.');
    expect(await client.add('Still here')).toBe(1);
  });
});
