// The archiver's syncs share one commit of the file system when they run side by side; Node reads
// this when its thread pool is first used, which the imports below do.
process.env['UV_THREADPOOL_SIZE'] ??= '16';

const { runUntilSignal } = await import('@moltbot/shared/runtime');
const { startStandalone } = await import('./standalone.ts');

process.title = 'moltbot-gateway'; // what `pgrep moltbot-gateway` and top look for

const surroundings = {
  env: process.env,
  pid: process.pid,
  terminal: process.stdout.isTTY,
  print: (text: string) => process.stdout.write(text),
};

await runUntilSignal(async () => await startStandalone(surroundings), 60_000);
