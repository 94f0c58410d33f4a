/** `troupe replay <file>`: replays what the recorder of a service has written. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ReplayReport, ReplayStep } from '../index.ts';
import { InputError, UsageError, type Command } from './command.ts';
import { loadModule, servicesOf } from './load.ts';

const DIFFERENT = 1;
/** No recorder writes more than this about one connection. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

export const replay: Command = {
  summary: 'Replays what the recorder of a service has written, and compares.',
  usage: `Usage: troupe replay <file> --service <module> [options]

Gives the service of a recording again what it was given then, prints what
happens, and ends with 0 when it was the same, with 1 at the first difference,
and with 2 when the file or the module cannot be used.
<module> exports the service by itself, among others or in an array. It is run,
and so is the code of the service. TypeScript needs tsx in the module's project.

Options:
  -s, --service <module>  the module that exports the service
      --timeout <ms>      how long to wait for what a handler awaits (default: 5000)
      --json              print the report as JSON
  -h, --help              show this
`,
  async run(args, { folder, stdout }) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        service: { type: 'string', short: 's' },
        timeout: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new UsageError('Name one file.');
    const { service: module, timeout } = values;
    if (module === undefined) throw new UsageError('Name the module of the service: --service <module>.');
    if (timeout !== undefined && !/^[1-9]\d{0,8}$/.test(timeout))
      throw new UsageError(`"${timeout}" is no time in ms.`);
    const report = await checkInput(async () => {
      const recording = read(resolve(folder, file));
      const loaded = await loadModule(module, folder);
      const options = timeout === undefined ? {} : { timeoutMs: Number(timeout) };
      return loaded.troupe.replayRecording(recording, servicesOf(module, loaded), options);
    });
    stdout.write(values.json === true ? `${JSON.stringify(report)}\n` : textOf(report));
    return report.isSame ? 0 : DIFFERENT;
  },
};

async function checkInput<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof InputError ? cause : new InputError('', { cause });
  }
}

function read(file: string): string {
  let reason: string;
  try {
    const status = statSync(file);
    if (status.isFile() && status.size <= MAX_FILE_BYTES) return readFileSync(file, 'utf8');
    reason = status.isFile() ? 'it is too large' : 'it is no file';
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  throw new InputError(`${file} cannot be read: ${reason}`);
}

function textOf({ service, connection, steps, difference, gaps }: ReplayReport): string {
  const lines = [`service ${service}, connection ${connection}`, ...steps.map(lineOf)];
  if (gaps.length > 0) lines.push(`The recording lacks something: ${gaps.join(', ')}.`);
  if (difference === undefined) {
    lines.push('The same.');
  } else {
    const { line, words } = difference;
    lines.push(`Different at line ${line} of the recording:`, `  then: ${words.recorded}`, `  now:  ${words.replayed}`);
  }
  return `${lines.join('\n')}\n`;
}

const marks: Readonly<Record<ReplayStep['outcome'], string>> = { same: '=', different: '!', told: ' ' };

function lineOf({ line, at, recorded, outcome }: ReplayStep): string {
  return `${String(line).padStart(5)} ${new Date(at).toISOString().slice(11, 23)} ${marks[outcome]} ${recorded}`;
}
