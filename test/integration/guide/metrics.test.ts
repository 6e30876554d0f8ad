/** The guide's monitoring: a real Prometheus scrapes a real gateway, and its rules are checked by promtool. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startPrometheus } from './prometheus.ts';
import { bash, ROOT, startGuideServer, type GuideServer, type Ran } from './server.ts';

/** As printed in the guide. */
const PROMETHEUS_YML = `
scrape_configs:
  - job_name: 'moltbot'
    static_configs:
      - targets: ['localhost:18789']
    metrics_path: '/metrics'
`;
const ALERTING_YML = `
groups:
  - name: moltbot
    rules:
      - alert: MoltbotServiceDown
        expr: up{job="moltbot"} == 0
        for: 1m
        labels:
          severity: critical
        annotations:
          summary: "Moltbot service is down"

      - alert: MoltbotHighMemory
        expr: process_resident_memory_bytes{job="moltbot"} > 2GB
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "Moltbot memory usage is high"
`;
/** What the guide wants to see, in its order: uptime, memory, CPU, sessions, API latency, errors. */
const KEY_FIGURES = [
  'time() - process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'moltbot_sessions_active',
  'moltbot_time_to_first_token_seconds_count',
  'moltbot_turns_total{outcome="error"}',
] as const;

const alerts = (): Promise<string> => readFile(join(ROOT, 'docs/operate/alerts.yml'), 'utf8');

async function promtool(args: string, file: string): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-promtool-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'file'), file);
  return bash(`promtool ${args} ${folder}/file`, { PATH: process.env['PATH'] ?? '' });
}

let server: GuideServer;
beforeAll(async () => {
  server = await startGuideServer();
  await server.says('moltbot agent --message "Good morning"');
  await server.run('moltbot agent --session-key other --message "#fault 400"');
});
afterAll(() => server[Symbol.asyncDispose]());

test('G-4: promtool finds no fault in what /metrics serves', async () => {
  const text = await server.says('curl -s http://localhost:18789/metrics');
  expect(await promtool('check metrics <', text)).toEqual({ code: 0, out: '', err: '' });
});

test('G-4: Prometheus with the configuration of the guide sees every key figure', async () => {
  await using prometheus = await startPrometheus(server.place(PROMETHEUS_YML), await alerts());
  await expect.poll(() => prometheus.query('up{job="moltbot"}'), { timeout: 20_000 }).toEqual([1]);
  for (const figure of KEY_FIGURES) {
    const [value = -1, ...more] = await prometheus.query(figure);
    expect(more, figure).toEqual([]);
    expect(value, figure).toBeGreaterThan(0);
  }
});

test('G-4: the rules of the guide load once 2GB is written as PromQL has it', async () => {
  expect(await promtool('check rules', ALERTING_YML)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/bad number or duration syntax/) as string,
  });
  const corrected = await promtool('check rules', ALERTING_YML.replace('2GB', '2e9'));
  expect(corrected).toMatchObject({ code: 0, out: expect.stringMatching(/2 rules found/) as string });
});

test('G-4: the shipped rules fire when they should, and no sooner', async () => {
  const cases = await readFile(new URL('alerts.rules-test.yml', import.meta.url), 'utf8');
  const ran = await promtool('test rules', cases.replace('ALERTS', join(ROOT, 'docs/operate/alerts.yml')));
  expect(ran, ran.err).toMatchObject({ code: 0 });
});

test('G-4: every metric that the rules and the documentation name is served', async () => {
  const served = new Set(
    (await server.says('curl -s http://localhost:18789/metrics')).match(/(?<=^# TYPE )\w+/gm),
  );
  const page = await readFile(join(ROOT, 'docs/operate/metrics.md'), 'utf8');
  const named = [...`${await alerts()}${page}`.matchAll(/\b(?:moltbot|process)_\w*[a-z]\b/g)].map(
    ([name]) => name,
  );
  expect(named.length).toBeGreaterThan(15);
  const base = (name: string): string => name.replace(/_(?:bucket|count|sum)$/, '');
  expect([...new Set(named)].filter((name) => !served.has(name) && !served.has(base(name)))).toEqual([]);
});

test('G-4: from another machine metrics need the token of an operator', async () => {
  const scrape = (token?: string): Promise<Response> =>
    fetch(`${server.url}/metrics`, {
      headers: {
        'x-forwarded-for': '10.1.2.3',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
  const create = (role: string): Promise<string> =>
    server.says(`moltbot tokens create --user scraper --role ${role}`);
  expect((await scrape()).status).toBe(401);
  expect((await scrape((await create('member')).trim())).status).toBe(403);
  expect((await scrape((await create('auditor')).trim())).status).toBe(200);
});
