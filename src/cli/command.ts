/** What a command of `troupe` is, and how one is chosen and run. */
import { TroupeError } from '../errors.ts';

/** What a command touches of the process that it runs in. */
export interface Surroundings {
  /** The folder that paths are relative to. */
  readonly folder: string;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Ends the process, whatever keeps it. */
  exit(): void;
}

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly usage: string;
  /** Throws {@link UsageError} when it was called wrongly. What it resolves with is the exit code, if it is not 0. */
  run(args: string[], surroundings: Surroundings): Promise<number | void>;
}

/** A command was called wrongly; the message says how. */
export class UsageError extends Error {}

/** A command was given what it cannot work with; `cause` says why, if there is one, or the message. Ends as wrong usage does, without the usage. */
export class InputError extends Error {}

const WRONG_USAGE = 2;

/** Runs the command that `args` begins with. Resolves with the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function runCommand(
  commands: Readonly<Record<string, Command>>,
  version: string,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, stderr } = surroundings;
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v') {
    stdout.write(`${version}\n`);
    return 0;
  }
  if (name === '--help' || name === '-h') {
    stdout.write(overview(commands));
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    if (name !== undefined) stderr.write(`There is no command "${name}".\n\n`);
    stderr.write(overview(commands));
    return WRONG_USAGE;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    stdout.write(command.usage);
    return 0;
  }
  try {
    return (await command.run(rest, surroundings)) ?? 0;
  } catch (error) {
    if (error instanceof UsageError || isOfParseArgs(error)) {
      stderr.write(`${error.message}\n\n${command.usage}`);
      return WRONG_USAGE;
    }
    if (error instanceof InputError) {
      stderr.write(`${error.cause === undefined ? error.message : textOf(error.cause)}\n`);
      return WRONG_USAGE;
    }
    stderr.write(`${textOf(error)}\n`);
    return 1;
  }
}

/** The message of an error that is meant for users, the stack of any other. */
function textOf(error: unknown): string {
  // By its name: a module may have brought another copy of the class.
  const isOurs = error instanceof TroupeError || (error instanceof Error && error.name.startsWith('Troupe'));
  return error instanceof Error ? (isOurs ? error.message : (error.stack ?? error.message)) : String(error);
}

function overview(commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: troupe <command> [options]\n\nCommands:\n${lines.join('\n')}\n\nOptions:\n  -h, --help     show this, or the options of a command\n  -v, --version  show the version\n`;
}

/** Node's own error for options that are unknown, or lack their value. */
function isOfParseArgs(error: unknown): error is Error {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}
