/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import { allServerNames, type ServerName } from './contract.ts';

export interface Options {
  readonly quick: boolean;
  /** Undefined: all that the kind of run includes. */
  readonly workloads?: readonly string[];
  readonly servers?: readonly ServerName[];
  readonly rounds: number;
  readonly json?: string;
  /** Whether bench/results.json, RESULTS.md and the plots are written. */
  readonly write: boolean;
  /** Only makes RESULTS.md and the plots again: from these files, or from bench/results.json when there is none. */
  readonly report?: readonly string[];
  readonly help: boolean;
}

/** What was typed cannot be done; the message says what can. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function usage(workloads: readonly string[]): string {
  return `npm run bench -- [options]

  --quick              a shorter run, within two minutes
  --workload <names>   only these, separated by commas: ${workloads.join(', ')}
  --server <names>     only these beside what they are compared with: ${allServerNames.join(', ')}
  --rounds <n>         how often all servers take turns (3; with --quick 1)
  --json <file>        writes the results into a file
  --write              writes bench/RESULTS.md although the run is not a full one
  --report [files]     makes bench/RESULTS.md and its plots again, from bench/results.json or from these files:
                       a workload in a later one takes the place of the same in an earlier one
  --help               this text
`;
}

function listed(option: string, text: string | undefined, known: readonly string[]): string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      `--${option}: there is no ${unknown.map((name) => `"${name}"`).join(', ')}. There is ${known.join(', ')}.`,
    );
  }
  return names;
}

/** @throws {UsageError} */
export function readOptions(args: readonly string[], workloads: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const report = values.report ?? false;
  if (positionals.length > 0 && !report)
    throw new UsageError(`Only --report takes files, such as "${positionals[0]}".`);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1)) {
    throw new UsageError(`--rounds: "${values.rounds}" is no whole number from 1 on.`);
  }
  const chosenWorkloads = listed('workload', values.workload, workloads);
  const chosenServers = listed('server', values.server, allServerNames) as ServerName[] | undefined;
  const quick = values.quick ?? false;
  const isFull = !quick && chosenWorkloads === undefined && chosenServers === undefined;
  return {
    quick,
    rounds: rounds ?? (quick ? 1 : 3),
    write: values.write ?? isFull,
    help: values.help ?? false,
    ...(chosenWorkloads === undefined ? {} : { workloads: chosenWorkloads }),
    // Without ws there is nothing to compare with.
    ...(chosenServers === undefined
      ? {}
      : { servers: allServerNames.filter((name) => name === 'ws' || chosenServers.includes(name)) }),
    ...(report ? { report: positionals } : {}),
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        workload: { type: 'string' },
        server: { type: 'string' },
        rounds: { type: 'string' },
        json: { type: 'string' },
        write: { type: 'boolean' },
        report: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
