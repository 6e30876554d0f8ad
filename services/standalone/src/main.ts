import { runUntilSignal } from '@moltbot/shared/runtime';
import { startStandalone } from './standalone.ts';

process.title = 'moltbot-gateway'; // what `pgrep moltbot-gateway` and top look for

const surroundings = {
  env: process.env,
  pid: process.pid,
  terminal: process.stdout.isTTY,
  print: (text: string) => process.stdout.write(text),
};

await runUntilSignal(async () => await startStandalone(surroundings), 60_000);
