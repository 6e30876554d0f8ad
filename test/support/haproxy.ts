/**
 * A real HAProxy with docs/deploy/haproxy.cfg in front of gateways on this machine: the servers are
 * the test's, and so are ports and whatever `env` sets. Everything else is as an operator has it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCertificate } from './certificate.ts';
import { until } from './people.ts';
import { freePort } from './ports.ts';
import { program, ROOT } from './service-process.ts';

export type ProxiedGateway = Readonly<{ name: string; port: number }>;

export type HaproxyOptions = Readonly<{
  gateways: readonly ProxiedGateway[];
  /** The file's settings, `EDGE_…`. */
  env?: Readonly<Record<string, string>>;
  /** Uses the lines for a load balancer in front that speaks the PROXY protocol. */
  acceptProxy?: boolean;
}>;

export type Haproxy = AsyncDisposable &
  Readonly<{
    url: string;
    wsUrl: string;
    port: number;
    /** The same through TLS, with a certificate that nobody signed. */
    httpsUrl: string;
    wssUrl: string;
    httpsPort: number;
    /** `/metrics`, `/readyz`, and the state of each server at `/`. */
    statsUrl: string;
    /** Of the master, which outlives its workers. */
    pid: number;
    /** As `systemctl reload haproxy`: a new worker listens, the old one keeps what is open. */
    reload(gateways?: readonly ProxiedGateway[]): Promise<void>;
    /** Its messages and its access log, lately. */
    output(): string;
  }>;

const CONFIG = join(ROOT, 'docs/deploy/haproxy.cfg');
const SERVERS = /^ {4}server .*\n/gm;
const BIND_AND_ITS_PROXY_LINE = /^ {4}bind .*\n((?: {4}#(?! ?bind).*\n)*) {4}#(bind .* accept-proxy .*\n)/gm;

export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-haproxy-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'haproxy.cfg');
  await writeFile(path, await configFor(options.gateways, options));
  const { both } = await newCertificate(dir);
  const [port = 0, httpsPort = 0, redirectPort = 0, statsPort = 0] = await Promise.all(
    Array.from({ length: 4 }, freePort),
  );
  const statsUrl = `http://127.0.0.1:${statsPort}`;
  const haproxy = started.use(
    program({
      name: 'haproxy',
      command: 'haproxy',
      args: ['-W', '-f', path],
      env: {
        PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`,
        EDGE_UNPRIVILEGED: '1',
        EDGE_HTTP_BIND: `127.0.0.1:${port}`,
        EDGE_HTTPS_BIND: `127.0.0.1:${httpsPort}`,
        EDGE_REDIRECT_BIND: `127.0.0.1:${redirectPort}`,
        EDGE_STATS_BIND: `127.0.0.1:${statsPort}`,
        EDGE_CERTIFICATE: both,
        EDGE_MAXCONN: '1000',
        ...options.env,
      },
      ready: () => isReady(statsUrl),
    }),
  );
  await haproxy.start();

  const owned = started.move();
  return {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    port,
    httpsUrl: `https://127.0.0.1:${httpsPort}`,
    wssUrl: `wss://127.0.0.1:${httpsPort}`,
    httpsPort,
    statsUrl,
    pid: haproxy.pid(),
    reload: async (gateways) => {
      if (gateways) await writeFile(path, await configFor(gateways, options));
      const before = newestWorker(haproxy.output());
      process.kill(haproxy.pid(), 'SIGUSR2');
      await until(() => newestWorker(haproxy.output()) !== before, 'a new worker of HAProxy');
      await until(() => isReady(statsUrl), 'HAProxy after its reload');
    },
    output: haproxy.output,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function configFor(
  gateways: readonly ProxiedGateway[],
  { acceptProxy = false }: Pick<HaproxyOptions, 'acceptProxy'>,
): Promise<string> {
  const written = await readFile(CONFIG, 'utf8');
  const servers = gateways.map(({ name, port }) => `    server ${name} 127.0.0.1:${port}\n`);
  const config = `${written.replaceAll(SERVERS, '')}${servers.join('')}`;
  return acceptProxy ? config.replaceAll(BIND_AND_ITS_PROXY_LINE, '$1    $2') : config;
}

const newestWorker = (output: string): string | undefined =>
  [...output.matchAll(/New worker \((\d+)\) forked/g)].at(-1)?.[1];

/** It listens, and does not know all gateways to be down. */
async function isReady(statsUrl: string): Promise<boolean> {
  return await fetch(`${statsUrl}/readyz`).then(
    (response) => response.ok,
    () => false, // nothing listens yet
  );
}
