import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The layout of the repository is held by lint rules. This suite plants one import in each folder
// and asks the linter, so that a rule that stops biting is noticed.

const root = new URL('..', import.meta.url).pathname;

/** importing file (types.ts imports types only), imported module, whether the layout allows it */
const imports: readonly (readonly [file: string, module: string, verdict: 'allowed' | 'refused'])[] = [
  ['machines/a.ts', 'xstate', 'allowed'],
  ['machines/a.ts', './connection.ts', 'allowed'],
  ['machines/a.ts', 'node:fs', 'refused'],
  ['machines/a.ts', 'ws', 'refused'],
  ['machines/a.ts', 'nanoid', 'refused'],
  ['machines/a.ts', '../src/errors.ts', 'refused'],

  ['src/errors.ts', './close-codes.ts', 'refused'],
  ['src/errors.ts', 'node:util', 'refused'],
  ['src/close-codes.ts', './errors.ts', 'refused'],

  ['src/troupe.ts', './runtime/connection.ts', 'allowed'],
  ['src/troupe.ts', './transport/ws.ts', 'allowed'],
  ['src/troupe.ts', 'ws', 'refused'],
  ['src/troupe.ts', 'rou3', 'refused'],
  ['src/troupe.ts', 'troupe', 'refused'],

  ['src/service/a.ts', './handlers.ts', 'allowed'],
  ['src/service/a.ts', '../errors.ts', 'allowed'],
  ['src/service/a.ts', '../../machines/connection.ts', 'allowed'],
  ['src/service/a.ts', 'xstate', 'allowed'],
  ['src/service/a.ts', '../runtime/connection.ts', 'refused'],
  ['src/service/a.ts', '../delivery/outbox.ts', 'refused'],
  ['src/service/a.ts', '../transport/ws.ts', 'refused'],
  ['src/service/a.ts', '../http/routes.ts', 'refused'],
  ['src/service/a.ts', '../troupe.ts', 'refused'],
  ['src/service/a.ts', 'ws', 'refused'],

  ['src/runtime/a.ts', './scheduler.ts', 'allowed'],
  ['src/runtime/a.ts', '../errors.ts', 'allowed'],
  ['src/runtime/a.ts', '../delivery/outbox.ts', 'allowed'],
  ['src/runtime/a.ts', '../transport/contract.ts', 'allowed'],
  ['src/runtime/a.ts', '../backplane/contract.ts', 'allowed'],
  ['src/runtime/a.ts', '../../machines/connection.ts', 'allowed'],
  ['src/runtime/a.ts', 'xstate', 'allowed'],
  ['src/runtime/a.ts', '../service/machine.ts', 'allowed'],
  ['src/runtime/types.ts', '../service/outcome.ts', 'allowed'],
  ['src/runtime/types.ts', '../http/routes.ts', 'refused'],
  ['src/runtime/a.ts', '../telemetry/events.ts', 'refused'],
  ['src/runtime/a.ts', '../transport/ws.ts', 'refused'],
  ['src/runtime/a.ts', '../http/routes.ts', 'refused'],
  ['src/runtime/a.ts', '../backplane/redis.ts', 'refused'],
  ['src/runtime/a.ts', '../inspector/hub.ts', 'refused'],
  ['src/runtime/a.ts', '../troupe.ts', 'refused'],
  ['src/runtime/a.ts', '../index.ts', 'refused'],
  ['src/runtime/a.ts', 'ws', 'refused'],
  ['src/runtime/cluster/a.ts', '../groups.ts', 'allowed'],
  ['src/runtime/cluster/a.ts', '../../backplane/contract.ts', 'allowed'],
  ['src/runtime/cluster/a.ts', '../../backplane/redis.ts', 'refused'],
  ['src/runtime/cluster/a.ts', '../../troupe.ts', 'refused'],
  ['src/runtime/cluster/a.ts', '../../telemetry/events.ts', 'refused'],

  ['src/delivery/a.ts', './frame.ts', 'allowed'],
  ['src/delivery/a.ts', '../errors.ts', 'allowed'],
  ['src/delivery/a.ts', '../transport/contract.ts', 'allowed'],
  ['src/delivery/a.ts', 'node:buffer', 'allowed'],
  ['src/delivery/a.ts', '../runtime/groups.ts', 'refused'],
  ['src/delivery/a.ts', '../service/handlers.ts', 'refused'],
  ['src/delivery/a.ts', '../../machines/connection.ts', 'refused'],
  ['src/delivery/a.ts', 'xstate', 'refused'],
  ['src/delivery/a.ts', 'ws', 'refused'],

  ['src/transport/ws.ts', 'ws', 'allowed'],
  ['src/transport/ws.ts', './contract.ts', 'allowed'],
  ['src/transport/ws.ts', '../errors.ts', 'allowed'],
  ['src/transport/ws.ts', '../runtime/connection.ts', 'refused'],
  ['src/transport/ws.ts', '../delivery/outbox.ts', 'refused'],
  ['src/transport/ws.ts', 'xstate', 'refused'],
  ['src/transport/contract.ts', 'ws', 'refused'],
  ['src/transport/a.ts', 'ws', 'refused'],
  ['src/transport/a.ts', '../http/routes.ts', 'refused'],

  ['src/http/a.ts', 'rou3', 'allowed'],
  ['src/http/a.ts', 'node:http', 'allowed'],
  ['src/http/a.ts', '../transport/contract.ts', 'allowed'],
  ['src/http/a.ts', '../errors.ts', 'allowed'],
  ['src/http/a.ts', '../transport/ws.ts', 'refused'],
  ['src/http/a.ts', '../runtime/supervisor.ts', 'refused'],
  ['src/http/a.ts', '../service/handlers.ts', 'refused'],
  ['src/http/types.ts', '../service/handlers.ts', 'allowed'],
  ['src/http/types.ts', '../runtime/supervisor.ts', 'refused'],
  ['src/http/a.ts', 'xstate', 'refused'],
  ['src/http/a.ts', 'ws', 'refused'],

  ['src/backplane/a.ts', './contract.ts', 'allowed'],
  ['src/backplane/a.ts', '../arguments.ts', 'allowed'],
  ['src/backplane/a.ts', './redis/link.ts', 'allowed'],
  ['src/backplane/a.ts', '../runtime/groups.ts', 'refused'],
  ['src/backplane/a.ts', '@nats-io/transport-node', 'refused'],
  ['src/backplane/nats.ts', './nats/link.ts', 'allowed'],
  ['src/backplane/nats.ts', './contract.ts', 'allowed'],
  ['src/backplane/nats.ts', '../errors.ts', 'allowed'],
  ['src/backplane/nats.ts', '@nats-io/kv', 'allowed'],
  ['src/backplane/nats.ts', '@nats-io/nats-core', 'refused'],
  ['src/backplane/nats.ts', '../runtime/groups.ts', 'refused'],
  ['src/backplane/nats/a.ts', './window.ts', 'allowed'],
  ['src/backplane/nats/a.ts', '../contract.ts', 'allowed'],
  ['src/backplane/nats/a.ts', '../../errors.ts', 'allowed'],
  ['src/backplane/nats/a.ts', '@nats-io/transport-node', 'allowed'],
  ['src/backplane/nats/a.ts', '@nats-io/jetstream', 'refused'],
  ['src/backplane/nats/a.ts', '../redis.ts', 'refused'],
  ['src/backplane/nats/a.ts', '../../runtime/groups.ts', 'refused'],
  ['src/runtime/a.ts', '../backplane/nats.ts', 'refused'],
  ['src/troupe.ts', '@nats-io/transport-node', 'refused'],
  ['src/backplane/a.ts', '@redis/client', 'refused'],
  ['src/backplane/redis/a.ts', '@redis/client', 'allowed'],
  ['src/backplane/redis/a.ts', '../contract.ts', 'allowed'],
  ['src/backplane/redis/a.ts', '../../errors.ts', 'allowed'],
  ['src/backplane/redis/a.ts', '../memory.ts', 'refused'],
  ['src/backplane/redis/a.ts', '../../runtime/groups.ts', 'refused'],
  ['src/runtime/a.ts', '@redis/client', 'refused'],
  ['src/troupe.ts', '@redis/client', 'refused'],
  ['src/telemetry/types.ts', '../runtime/groups.ts', 'allowed'],
  ['src/telemetry/types.ts', 'ws', 'refused'],
  ['src/telemetry/a.ts', '../runtime/groups.ts', 'refused'],
  ['src/telemetry/a.ts', '../errors.ts', 'refused'],
  ['src/telemetry/a.ts', './otel/metrics.ts', 'refused'],
  ['src/telemetry/a.ts', '@opentelemetry/api', 'refused'],
  ['src/telemetry/otel/a.ts', '@opentelemetry/api', 'allowed'],
  ['src/telemetry/otel/a.ts', '@opentelemetry/sdk-metrics', 'refused'],
  ['src/telemetry/otel/a.ts', '../seam.ts', 'allowed'],
  ['src/telemetry/otel/a.ts', '../events.ts', 'refused'],
  ['src/telemetry/otel/a.ts', '../../runtime/groups.ts', 'refused'],
  ['src/troupe.ts', '@opentelemetry/api', 'refused'],
  ['src/runtime/a.ts', '@opentelemetry/api', 'refused'],
  ['src/http/a.ts', '@opentelemetry/api', 'refused'],
  ['src/inspector/a.ts', './hub.ts', 'allowed'],
  ['src/inspector/a.ts', '../errors.ts', 'allowed'],
  ['src/inspector/a.ts', '../arguments.ts', 'allowed'],
  ['src/inspector/a.ts', '../http/origin.ts', 'allowed'],
  ['src/inspector/a.ts', '../http/upgrade.ts', 'refused'],
  ['src/inspector/a.ts', '../runtime/groups.ts', 'refused'],
  ['src/inspector/a.ts', '../transport/ws.ts', 'refused'],
  ['src/inspector/a.ts', '../troupe.ts', 'refused'],
  ['src/inspector/a.ts', 'ws', 'refused'],
  ['src/inspector/types.ts', '../transport/contract.ts', 'allowed'],
  ['src/inspector/types.ts', '../runtime/clock.ts', 'allowed'],
  ['src/inspector/page/a.ts', '../protocol.ts', 'allowed'],
  ['src/inspector/page/a.ts', '../hub.ts', 'refused'],
  ['src/inspector/page/a.ts', './views/list.tsx', 'allowed'],
  ['src/inspector/page/a.ts', 'preact', 'allowed'],
  ['src/inspector/page/a.ts', 'elkjs', 'refused'],
  ['src/inspector/page/a.ts', 'node:fs', 'refused'],
  ['src/inspector/page/views/a.ts', '../../protocol.ts', 'allowed'],
  ['src/inspector/page/views/a.ts', '../state/ring.ts', 'allowed'],
  ['src/inspector/page/views/a.ts', '../../hub.ts', 'refused'],
  ['src/inspector/page/views/a.ts', '../../../runtime/groups.ts', 'refused'],
  ['src/inspector/page/state/a.ts', './ring.ts', 'allowed'],
  ['src/inspector/page/state/a.ts', '../../protocol.ts', 'allowed'],
  ['src/inspector/page/state/a.ts', '../store.ts', 'refused'],
  ['src/inspector/page/state/a.ts', 'preact', 'refused'],
  ['src/inspector/page/chart/a.ts', './graph.ts', 'allowed'],
  ['src/inspector/page/chart/a.ts', '../views/chart.tsx', 'refused'],
  ['src/runtime/a.ts', '../recorder/tape.ts', 'refused'],
  ['src/service/a.ts', '../recorder/tape.ts', 'refused'],
  ['src/recorder/a.ts', './tape.ts', 'allowed'],
  ['src/recorder/a.ts', '../runtime/connection.ts', 'allowed'],
  ['src/recorder/a.ts', '../service/recorder.ts', 'allowed'],
  ['src/recorder/a.ts', '../errors.ts', 'allowed'],
  ['src/recorder/a.ts', 'node:fs/promises', 'allowed'],
  ['src/recorder/types.ts', 'xstate', 'allowed'],
  ['src/recorder/types.ts', '../transport/contract.ts', 'allowed'],
  ['src/recorder/a.ts', 'xstate', 'refused'],
  ['src/recorder/a.ts', '../transport/ws.ts', 'refused'],
  ['src/recorder/a.ts', '../http/upgrade.ts', 'refused'],
  ['src/recorder/a.ts', '../inspector/hub.ts', 'refused'],
  ['src/recorder/a.ts', '../telemetry/events.ts', 'refused'],
  ['src/recorder/a.ts', '../troupe.ts', 'refused'],
  ['src/asyncapi/a.ts', './document.ts', 'allowed'],
  ['src/asyncapi/a.ts', '../service/definition.ts', 'allowed'],
  ['src/asyncapi/a.ts', '../errors.ts', 'allowed'],
  ['src/asyncapi/a.ts', '../runtime/groups.ts', 'refused'],
  ['src/asyncapi/a.ts', '../troupe.ts', 'refused'],
  ['src/asyncapi/a.ts', 'xstate', 'refused'],
  ['src/cli/a.ts', '../index.ts', 'allowed'],
  ['src/cli/a.ts', '../runtime/groups.ts', 'refused'],
  ['src/cli/types.ts', '../troupe.ts', 'allowed'],
  ['src/cli/a.ts', '../errors.ts', 'allowed'],
  ['src/testing/a.ts', '../index.ts', 'allowed'],
  ['src/testing/a.ts', '../troupe.ts', 'refused'],
  ['src/testing/a.ts', '../backplane/memory.ts', 'refused'],
  ['src/testing/types.ts', '../backplane/contract.ts', 'allowed'],

  ['examples/echo/a.ts', 'troupe', 'allowed'],
  ['examples/echo/a.ts', 'express', 'allowed'],
  ['examples/echo/a.ts', './machine.ts', 'allowed'],
  ['examples/echo/a.ts', '../../src/index.ts', 'refused'],
  ['examples/echo/a.ts', '../../machines/connection.ts', 'refused'],
  ['examples/echo/a.ts', '../chat/service.ts', 'allowed'],

  ['test/runtime/a.test.ts', '../../src/runtime/groups.ts', 'allowed'],
  ['test/runtime/a.test.ts', 'troupe', 'allowed'],
  ['test/runtime/a.test.ts', 'node:timers/promises', 'refused'],
];

/** One file a case would be slow to read: each line of a planted file is one import of the table. */
const lineOf = new Map<string, string[]>();
for (const [file, module] of imports) lineOf.set(file, [...(lineOf.get(file) ?? []), module]);

let folder: string;
let refused: Set<string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-imports-'));
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [file, modules] of lineOf) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    const what = file.endsWith('types.ts') ? 'export type' : 'export';
    const lines = modules.map((module, index) => `${what} { a as a${index} } from '${module}';`);
    writeFileSync(join(folder, file), `${lines.join('\n')}\n`);
  }
  const linter = join(root, 'node_modules/oxlint/bin/oxlint');
  const run = spawnSync(process.execPath, [linter, '-f', 'unix'], { cwd: folder, encoding: 'utf8' });
  refused = new Set();
  for (const line of run.stdout.split('\n')) {
    const [, file, row] = /^(.+?):(\d+):\d+: .*no-restricted-imports/.exec(line) ?? [];
    const module = file === undefined ? undefined : lineOf.get(file)?.[Number(row) - 1];
    if (module !== undefined) refused.add(`${file} ${module}`);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('import rules', () => {
  it.each(imports)('%s importing %s is %s', (file, module, verdict) => {
    expect(refused.has(`${file} ${module}`) ? 'refused' : 'allowed').toBe(verdict);
  });
});
