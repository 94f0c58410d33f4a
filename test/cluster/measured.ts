/** What a run saw of how long things take: written down once, at its end. */
import { appendFileSync } from 'node:fs';

/** In ms; undefined where there is nothing to notice. */
export function measured(engine: string, fault: string, times: Readonly<Record<string, number | string>>): void {
  const figures = Object.entries(times).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? Math.round(value) : value}`,
  );
  const line = `${engine} | ${fault} | ${figures.join(' | ')}\n`;
  if (process.env['CLUSTER_PRINT'] !== undefined) process.stdout.write(line);
  const file = process.env['CLUSTER_REPORT'];
  if (file !== undefined) appendFileSync(file, line);
}
