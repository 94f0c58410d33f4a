import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTroupe, type ReplayReport } from 'troupe';
import { replay } from '../../src/cli/replay.ts';
import { dial, opened } from '../support/client.ts';
import { forms, type Form } from '../support/forms.ts';
import { till } from '../support/recorded-services.ts';

const root = new URL('../..', import.meta.url).pathname;
const module = 'test/support/recorded-services.ts';

let folder = '';
const fileOf = (form: Form): string => join(folder, `${form}.recording.jsonl`);

/** Runs the program as a process of its own, from its source. */
function troupe(args: readonly string[], env: Record<string, string> = {}) {
  const program = join(root, 'src/cli/main.ts');
  const options = ['--conditions=troupe-source', '--import', import.meta.resolve('tsx'), program, ...args];
  const child = spawn(process.execPath, options, { cwd: root, env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

// A crash of each form, on a real socket.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-replay-'));
  const recorded = forms.map(
    (form) =>
      new Promise<void>((resolve) => {
        const onCrash = ({ text }: { readonly text: string }): void => {
          writeFileSync(fileOf(form), text);
          resolve();
        };
        services.push(till(form, { recorder: { onCrash } }));
      }),
  );
  const server = createTroupe({ services });
  server.on('connection.crashed', () => {});
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  for (const form of forms) {
    const client = dial(`ws://127.0.0.1:${port}/till/${form}`);
    await opened(client);
    await client.next();
    for (const text of ['4', '8']) {
      client.send(text);
      await client.next();
    }
    client.send('boom');
    await client.closed;
  }
  await Promise.all(recorded);
  await server.close();
});
const services: ReturnType<typeof till>[] = [];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

// One process for each call, side by side: starting one takes a second.
describe('troupe replay', () => {
  it('comes to the same state and the same error, in all forms', async () => {
    const runs = await Promise.all(forms.map((form) => troupe(['replay', fileOf(form), '--service', module])));
    for (const { code, stdout, stderr } of runs) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('"boom');
      expect(stdout).toMatch(/= crash during .*is no number/);
      expect(stdout).toMatch(/\nThe same\.\n$/);
    }
  }, 30_000);

  it('ends with 1 at the first event that differs, in words and as JSON', async () => {
    const args = ['replay', fileOf('machine'), '-s', module];
    const [words, json] = await Promise.all([
      troupe(args, { TILL_FACTOR: '3' }),
      troupe([...args, '--json'], { TILL_FACTOR: '3' }),
    ]);
    expect([words.code, json.code]).toEqual([1, 1]);
    expect(words.stdout).toMatch(/then: pushText\("4"\)\n {2}now: {2}pushText\("12"\)\n$/);
    const report = JSON.parse(json.stdout) as ReplayReport;
    expect(report).toMatchObject({ service: '/till/machine', isSame: false });
    expect(report.steps.at(-1)).toMatchObject({ outcome: 'different', line: report.difference!.line });
  }, 30_000);

  it('ends with 2, and says why, when it is given what it cannot use', async () => {
    const cut = join(folder, 'cut.recording.jsonl');
    writeFileSync(cut, readFileSync(fileOf('handlers'), 'utf8').slice(0, 900));
    const runs = await Promise.all([
      troupe(['replay', cut, '-s', module]),
      troupe(['replay', fileOf('handlers'), '-s', 'examples/typed-messages/service.ts']),
      troupe(['replay', join(folder, 'none'), '-s', module]),
    ]);
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual([...forms].map(() => [2, '']));
    const [invalid, unknown, missing] = runs.map(({ stderr }) => stderr);
    expect(invalid).toMatch(/^This is no recording that can be replayed: line \d+/);
    expect(unknown).toMatch(/^Service "\/till\/handlers" is not registered/);
    expect(missing).toContain('cannot be read');
    for (const { stderr } of runs) expect(stderr).not.toMatch(/^ +at /m);
  }, 30_000);

  it('documents every option that it has', () => {
    const page = readFileSync(join(root, 'docs/command-line.md'), 'utf8');
    for (const [option] of replay.usage.matchAll(/--[a-z-]+/g)) expect(page).toContain(`\`${option}`);
  });
});
