import { once } from 'node:events';
import { readConfig } from './config.ts';
import { startDemoModel } from './demo-model.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));

await using model = await startDemoModel(readConfig(process.env));
// A parent process that let us choose the port reads it from this line.
process.stdout.write(`demo model listening on ${model.baseUrl}\n`);
if (!stop.signal.aborted) await once(stop.signal, 'abort');
