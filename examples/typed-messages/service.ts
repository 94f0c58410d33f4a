/** A list of tasks that all who are connected share. Each message is typed by its schema, and checked by it. */
import { defineService } from 'troupe';
import { messages } from './messages.ts';

interface Task {
  readonly number: number;
  readonly title: string;
  readonly isDone: boolean;
}

const most = 100;

/** One list for each service that is made: each test has its own. */
export function createTasks() {
  const tasks = new Map<number, Task>();
  let last = 0;

  function taskWith(number: number): Task {
    const task = tasks.get(number);
    // A declared error: the client gets its text, and the connection goes on.
    if (task === undefined) throw messages.refusal('no-such-task');
    return task;
  }

  return defineService({
    basePath: '/tasks',
    messages,

    onOpen(connection) {
      connection.push({ type: 'tasks', tasks: [...tasks.values()] });
    },

    async onMessage(connection, message) {
      switch (message.type) {
        case 'add': {
          if (tasks.size >= most) throw messages.refusal('full');
          const task = { number: ++last, title: message.title, isDone: false };
          tasks.set(task.number, task);
          connection.broadcast({ type: 'added', task }, { except: [connection] });
          return task.number;
        }
        case 'finish': {
          const task = taskWith(message.number);
          tasks.set(task.number, { ...task, isDone: true });
          return connection.broadcast({ type: 'finished', number: task.number });
        }
        case 'remove': {
          const { number, title, isDone } = taskWith(message.number);
          const question = `"${title}" is not done. Remove it?`;
          if (!isDone && !(await connection.request({ type: 'confirm', question }, { timeoutMs: 30_000 })))
            return false;
          if (tasks.delete(number)) connection.broadcast({ type: 'removed', number });
          return true;
        }
      }
    },
  });
}

/** What `troupe asyncapi examples/typed-messages/service.ts` describes. */
export const tasks = createTasks();
