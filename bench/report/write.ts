/** Writes what a full run leaves in the repository: results.json, RESULTS.md and the plots. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Results } from '../contract.ts';
import { growthPlot } from './growth-plot.ts';
import { markdownReport } from './markdown.ts';
import { ratiosPlot } from './ratios-plot.ts';

const pictures = [
  { name: 'ratios.svg', description: 'The cost of each workload as a ratio to bare ws', draw: ratiosPlot },
  { name: 'growth.svg', description: 'The cost of each operation as connections grow', draw: growthPlot },
];

/** @param folder bench/ of the repository */
export function writeReport(results: Results, folder: string): void {
  const plots = join(folder, 'plots');
  rmSync(plots, { recursive: true, force: true });
  mkdirSync(plots, { recursive: true });
  const drawn = pictures.flatMap(({ name, description, draw }) => {
    const svg = draw(results);
    if (svg === undefined) return [];
    writeFileSync(join(plots, name), svg);
    return [{ path: `plots/${name}`, description }];
  });
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(folder, 'RESULTS.md'), markdownReport(results, drawn));
}

export function readResults(file: string): Results {
  return JSON.parse(readFileSync(file, 'utf8')) as Results;
}
