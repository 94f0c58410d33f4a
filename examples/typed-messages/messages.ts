/** What the shared list of tasks and its clients say to each other. Clients import the type of this and nothing else. */
import { defineMessages } from 'troupe';
import { z } from 'zod';

const task = z.object({ number: z.int().positive(), title: z.string().trim().min(1).max(100), isDone: z.boolean() });

export const messages = defineMessages({
  incoming: {
    /** Answered with the number of the new task. */
    add: { message: task.pick({ title: true }), reply: z.int() },
    finish: task.pick({ number: true }),
    remove: { message: task.pick({ number: true }), reply: z.boolean() },
  },
  outgoing: {
    tasks: z.object({ tasks: z.array(task) }),
    added: z.object({ task }),
    finished: task.pick({ number: true }),
    removed: task.pick({ number: true }),
    /** Asked of whoever removes a task that is not done. */
    confirm: { message: z.object({ question: z.string() }), reply: z.boolean() },
  },
  errors: {
    'no-such-task': 'There is no task with that number.',
    full: 'The list holds as many tasks as it can.',
  },
});
