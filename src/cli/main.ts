#!/usr/bin/env node
/** The program `troupe`. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { asyncapi } from './asyncapi.ts';
import { runCommand } from './command.ts';
import { replay } from './replay.ts';
import { start } from './start.ts';

const { stdout, stderr } = process;
const manifest = createRequire(import.meta.url).resolve('troupe/package.json');
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
process.exitCode = await runCommand({ start, asyncapi, replay }, version, process.argv.slice(2), {
  folder: process.cwd(),
  stdout,
  stderr,
  exit: () => process.exit(),
});
