import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The commands of the deployment guide, so that what is tested is what stands there. */
export const guide = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');

/** The commands behind `<!-- run: name -->`. */
export function commandsOf(name: string): string {
  const [, block] = new RegExp(`<!-- run: ${name} -->\\s+\`\`\`sh\\n([\\s\\S]*?)^\`\`\``, 'm').exec(guide) ?? [];
  if (block === undefined) throw new Error(`docs/deployment.md has no commands called ${name}`);
  return block;
}

/** Runs commands of a shell in a folder; what they wrote. Throws when one of them fails. */
export function runCommands(commands: string, cwd: string): string {
  return execFileSync('bash', ['-euo', 'pipefail', '-c', commands], { cwd, encoding: 'utf8', stdio: 'pipe' });
}

/** Whether a program is on this machine. */
export function has(program: string): boolean {
  try {
    execFileSync('bash', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A folder outside the repository, and what removes it. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
