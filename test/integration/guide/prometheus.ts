/** A real Prometheus with the scrape configuration of the guide. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/ports.ts';

export type Prometheus = AsyncDisposable &
  Readonly<{
    /** The values of an expression now; none while nothing matches. */
    query(expression: string): Promise<number[]>;
    /** Alert rules that were loaded. */
    rules(): Promise<string[]>;
  }>;

type Answer<T> = { data: T };

export async function startPrometheus(config: string, rules: string): Promise<Prometheus> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-prometheus-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'prometheus.yml'), `global: { scrape_interval: 1s }\n${config}`);
  await writeFile(join(folder, 'alerts.yml'), rules);
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    'prometheus',
    [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`].concat(
      `--web.listen-address=${address}`,
    ),
    { stdio: 'ignore' },
  );
  started.defer(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  });
  await once(child, 'spawn');
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://${address}/api/v1/${path}`);
    return ((await response.json()) as Answer<T>).data;
  };
  const owned = started.move();
  return {
    query: async (expression) => {
      const asked = ask<{ result: { value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      const { result } = await asked.catch(() => ({ result: [] })); // it is still starting
      return result.map(({ value }) => Number(value[1]));
    },
    rules: async () => {
      const { groups } = await ask<{ groups: { rules: { name: string }[] }[] }>('rules');
      return groups.flatMap((group) => group.rules.map(({ name }) => name));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
