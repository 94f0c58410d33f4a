/** Calls between the processes of a workload: a command by its name, answered once. */
import type { ChildProcess } from 'node:child_process';
import { forkPinned, stopProcess } from '../server-process.ts';

/** What a process can be asked to do; the answers travel as JSON. */
export type Commands<Of> = { readonly [Name in keyof Of]: (argument: never) => unknown };

interface Call {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** In the child: carries out what is asked, one call after another or several at a time. */
export function answerCalls<Own extends Commands<Own>>(commands: Own): void {
  process.on('message', ({ id, command, argument }: Call) => {
    const carryOut = async (): Promise<Answer> => {
      try {
        const value: unknown = await commands[command as keyof Own](argument as never);
        return { id, value };
      } catch (error) {
        return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      }
    };
    void carryOut().then((answer) => process.send?.(answer));
  });
  process.on('disconnect', () => process.exit());
}

/** In the parent: one child process and what it can be asked. */
export class Child<Own extends Commands<Own>> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #calls = 0;

  /** Starts `program` on the processor of the servers. */
  constructor(program: URL, args: readonly string[]) {
    this.#process = forkPinned(program, args);
    this.#process.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.value);
    });
    this.#process.on('exit', (code, signal) => {
      const error = new Error(`a process of the benchmark ended with ${signal ?? code}`);
      for (const waiting of this.#waiting.values()) waiting.reject(error);
      this.#waiting.clear();
    });
  }

  ask<Name extends keyof Own & string>(
    command: Name,
    argument?: Parameters<Own[Name]>[0],
  ): Promise<Awaited<ReturnType<Own[Name]>>> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, command, argument } satisfies Call, (error) => error && reject(error));
    });
  }

  /** Ends the process. */
  stop(): Promise<void> {
    return stopProcess(this.#process);
  }
}
