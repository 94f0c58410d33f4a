import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Is this module the program that was started, rather than imported by a test? */
export function isMain(moduleUrl: string): boolean {
  const [, started] = process.argv;
  return started !== undefined && existsSync(started) && realpathSync(started) === fileURLToPath(moduleUrl);
}
