#!/usr/bin/env -S node --conditions=moltbot-source
import { run } from './program.ts';

const interrupt = new AbortController();
// The first Ctrl-C asks the command to end well, the second ends it.
process.once('SIGINT', () => interrupt.abort());
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // `moltbot logs | head`
});

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  isInteractive: process.stdout.isTTY === true,
  interrupted: interrupt.signal,
});
