/**
 * The words that the parts of the benchmark share: what a server under test
 * offers, what a workload measures, what a run leaves behind.
 */

/** The servers, in the order of the tables. `ws` is the one that all others are compared with. */
export const serverNames = [
  'ws',
  'troupe-handlers',
  'troupe-machine',
  'socket.io',
  'crossws',
  'uwebsockets',
  'net',
] as const;
/** A server that is one process. */
export type SoleServerName = (typeof serverNames)[number];

/** Several processes over an engine, in the workloads that begin with `cluster-`. */
export const clusterServerNames = ['troupe-redis', 'troupe-nats', 'socket.io-redis', 'socket.io-redis-tuned'] as const;
export type ClusterServerName = (typeof clusterServerNames)[number];

export type ServerName = SoleServerName | ClusterServerName;
export const allServerNames: readonly ServerName[] = [...serverNames, ...clusterServerNames];

/** What one measurement of one server in one round came to. */
export interface Sample {
  /** The figure that the ratio is made of, in the workload's unit. */
  readonly value: number;
  /** Further figures by name, each with its unit in the name: `p50Us`, `rssKiB`. */
  readonly extra?: Readonly<Record<string, number>>;
  /** What was checked: how many messages came, each of them compared in content and order. */
  readonly checked: number;
}

/** What a run asks of a workload. */
export interface RunOptions {
  /** About how much of the full count is done: 1, or less for `--quick`. */
  readonly scale: number;
  readonly onProgress: (text: string) => void;
}

/** One row of the budget table, or one question beside it. */
export type Workload = AboutWorkload & (MeasuredAlone | MeasuredTogether);

interface AboutWorkload {
  readonly name: string;
  /** As it stands in tables: `echo 64 B, 100 connections, 16 in flight`. */
  readonly title: string;
  /** For example `µs of server CPU per message`. */
  readonly unit: string;
  /** How it is measured and what is checked, in a sentence or two. */
  readonly method?: string;
  readonly servers: readonly ServerName[];
  /** What the others are compared with: `ws` when absent. */
  readonly baseline?: ServerName;
  /** The greatest ratio to the baseline of the same round that is within budget, by server; a difference for memory. */
  readonly budgets: Readonly<Partial<Record<ServerName, Budget>>>;
  /** Other figures of the same measurements that have a table of their own. */
  readonly figures?: readonly Figure[];
  /** Left out of `--quick`, and of a run that does not name it when `'only when named'`. */
  readonly when?: 'always' | 'not in quick' | 'only when named';
  /** A long one that is a median in itself takes no more rounds than this. */
  readonly atMostRounds?: number;
  /** How long one measurement may take before it counts as failed; five minutes when absent. */
  readonly patienceMs?: number;
}

/** Each server by itself, one after another. */
interface MeasuredAlone {
  readonly measure: Measure;
}

export type Measure = (server: ServerName, options: RunOptions) => Promise<Sample>;

/** All servers of a round side by side. */
interface MeasuredTogether {
  /** What `servers` came to, set by set. One that failed has told `attempt` so, and is in none that follows. */
  measureTogether(servers: readonly ServerName[], options: RunOptions, attempt: Attempt): Promise<readonly SampleSet[]>;
}

/** What servers came to that were measured beside one another: the ratios are made within it. */
export type SampleSet = ReadonlyMap<ServerName, Sample>;

/** Does `work` for `server`. When that fails or hangs it is the server's failure, and the answer is undefined. */
export type Attempt = <T>(server: ServerName, work: () => Promise<T>) => Promise<T | undefined>;

/** An `extra` of a workload's samples as a row of its own in the budget table. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Its key in `extra`. */
  readonly of: string;
  readonly budgets: Workload['budgets'];
}

export interface Budget {
  /** `ratio`: value / baseline value; `difference`: value - baseline value; `self`: the value itself. */
  readonly kind: 'ratio' | 'difference' | 'self';
  readonly atMost: number;
  readonly stretch?: number;
}

export interface Row {
  readonly server: ServerName;
  /** One for each round, or for each set of a round where servers are measured side by side. */
  readonly samples: readonly Sample[];
  readonly median: number;
  /** Median over the samples of value / baseline value in the same round or set; not where the budgets are about the value `self`. */
  readonly ratio?: number;
  /** Why there are no samples. */
  readonly unavailable?: string;
}

export interface WorkloadResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly method?: string;
  readonly baseline?: ServerName;
  readonly budgets: Workload['budgets'];
  readonly rows: readonly Row[];
}

/** What `--json` writes, and what tables and plots are made of. */
export interface Results {
  readonly date: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
    /** Whether server and generator ran on cores of their own. */
    readonly pinned: boolean;
  };
  readonly versions: Readonly<Record<string, string>>;
  /** The run was cut off: workloads are missing. */
  readonly unfinished?: true;
  readonly workloads: readonly WorkloadResult[];
}
