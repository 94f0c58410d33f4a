import { describe, expect, it } from 'vitest';
import { readOptions, usage, UsageError } from '../../bench/options.ts';

const workloads = ['echo-16', 'accept'];
const read = (...args: string[]) => readOptions(args, workloads);

describe('the options of the benchmark', () => {
  it('make a full run of three rounds that writes the report', () => {
    expect(read()).toEqual({ quick: false, rounds: 3, write: true, help: false });
  });

  it('make a quick run of one round that leaves the report alone', () => {
    expect(read('--quick')).toMatchObject({ quick: true, rounds: 1, write: false });
  });

  it('leave the report alone when only a part is run, unless told to write it', () => {
    expect(read('--workload', 'accept')).toMatchObject({ workloads: ['accept'], write: false });
    expect(read('--server', 'net', '--write')).toMatchObject({ write: true });
  });

  it('make the report again, from the last full run or from files', () => {
    expect(read('--report').report).toEqual([]);
    expect(read('--report', 'one.json', 'other.json').report).toEqual(['one.json', 'other.json']);
  });

  it('always take ws along, to compare with, and keep the order of the tables', () => {
    expect(read('--server', 'net, troupe-handlers').servers).toEqual(['ws', 'troupe-handlers', 'net']);
  });

  it.each([
    [['--workload', 'echo-16,ecko'], '--workload: there is no "ecko". There is echo-16, accept.'],
    [['--server', 'engine'], '--server: there is no "engine". There is ws, troupe-handlers, '],
    [['--rounds', 'two'], '--rounds: "two" is no whole number from 1 on.'],
    [['--rounds', '0'], '--rounds: "0" is no whole number from 1 on.'],
    [['--fast'], "Unknown option '--fast'"],
    [['echo-16'], 'Only --report takes files, such as "echo-16".'],
  ])('refuse %j and say what there is', (args, message) => {
    expect(() => read(...args)).toThrow(UsageError);
    expect(() => read(...args)).toThrow(message);
  });

  it('are listed in the help, with all workloads', () => {
    const help = usage(workloads);
    for (const name of ['quick', 'workload', 'server', 'rounds', 'json', 'write', 'report', 'help']) {
      expect(help).toContain(`--${name}`);
    }
    expect(help).toContain('echo-16, accept');
  });
});
