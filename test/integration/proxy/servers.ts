/** nginx and Caddy with the files of docs/deploy, in front of gateways on this machine. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newCertificate } from '../../support/certificate.ts';
import { until } from '../../support/people.ts';
import { freePort } from '../../support/ports.ts';
import { program, ROOT } from '../../support/service-process.ts';

const run = promisify(execFile);
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

export type Ports = readonly Readonly<{ port: number }>[];

export type ProxyServer = AsyncDisposable &
  Readonly<{
    httpsUrl: string;
    wssUrl: string;
    /** As its service would be reloaded; resolves when the new configuration is in force. */
    reload(gateways: Ports): Promise<void>;
    /** All that it wrote: to its outputs (lately) and to its files. */
    logs(): Promise<string>;
  }>;

export type StartProxy = (gateways: Ports, edit?: (text: string) => string) => Promise<ProxyServer>;

export const startNginx: StartProxy = async (gateways, edit = (text) => text) => {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-nginx-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  await newCertificate(dir);
  const port = await freePort();
  const path = join(dir, 'nginx.conf');
  const write = async (servers: Ports): Promise<void> => {
    const shipped = await readFile(join(ROOT, 'docs/deploy/nginx.conf'), 'utf8');
    const lines = servers
      .map((one) => `server 127.0.0.1:${one.port} `)
      .join('max_fails=3 fail_timeout=2s;\n');
    const here = edit(shipped)
      .replace('server 127.0.0.1:18789 ', lines)
      .replace('listen 443', `listen 127.0.0.1:${port}`)
      .replaceAll('/etc/letsencrypt/live/moltbot.company.com', dir)
      .replaceAll('/var/log/nginx', dir);
    const temporary = ['client_body', 'proxy'].map((name) => `${name}_temp_path ${dir}/${name};`).join('\n');
    const main = `daemon off; worker_processes 2; pid ${dir}/pid; error_log stderr info; events {}`;
    await writeFile(path, `${main}\nhttp {\n${temporary}\n${here}\n}`);
  };
  await write(gateways);
  const nginx = started.use(
    program({
      name: 'nginx',
      command: 'nginx',
      args: ['-c', path, '-e', 'stderr'],
      env: { PATH },
      ready: () => serves(port),
    }),
  );
  await nginx.start();
  const owned = started.move();
  return {
    ...urls(port),
    reload: async (servers) => {
      await write(servers);
      const count = (): number => nginx.output().split('start worker process ').length;
      const before = count();
      process.kill(nginx.pid(), 'SIGHUP');
      await until(() => count() >= before + 2, 'new workers of nginx');
    },
    logs: async () => {
      const names = (await readdir(dir)).filter((name) => name.endsWith('.log'));
      const texts = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
      return [nginx.output(), ...texts].join('\n');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

export const startCaddy: StartProxy = async (gateways, edit = (text) => text) => {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-caddy-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  await newCertificate(dir);
  const [port, adminPort] = [await freePort(), await freePort()];
  const path = join(dir, 'Caddyfile');
  const env = {
    PATH,
    HOME: dir,
    EDGE_ADMIN: `127.0.0.1:${adminPort}`,
    EDGE_SITE: `https://127.0.0.1:${port}`,
  };
  const write = async (servers: Ports): Promise<void> => {
    const shipped = await readFile(join(ROOT, 'docs/deploy/Caddyfile'), 'utf8');
    const here = edit(shipped)
      .replace('to 127.0.0.1:18789', servers.map((one) => `to 127.0.0.1:${one.port}`).join('\n'))
      .replace(
        '#tls /etc/caddy/fullchain.pem /etc/caddy/privkey.pem',
        `tls ${dir}/fullchain.pem ${dir}/privkey.pem`,
      );
    await writeFile(path, here);
  };
  const config = ['--config', path, '--adapter', 'caddyfile'];
  await write(gateways);
  const caddy = started.use(
    program({ name: 'caddy', command: 'caddy', args: ['run', ...config], env, ready: () => serves(port) }),
  );
  await caddy.start();
  const owned = started.move();
  return {
    ...urls(port),
    reload: async (servers) => {
      await write(servers);
      await run('caddy', ['reload', ...config, '--address', env.EDGE_ADMIN], { env });
    },
    logs: async () => await Promise.resolve(caddy.output()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

const urls = (port: number): Pick<ProxyServer, 'httpsUrl' | 'wssUrl'> => ({
  httpsUrl: `https://127.0.0.1:${port}`,
  wssUrl: `wss://127.0.0.1:${port}`,
});

/** Asked by curl, because fetch takes no certificate that nobody signed. */
const serves = async (port: number): Promise<boolean> =>
  await run('curl', ['-ksf', `https://127.0.0.1:${port}/readyz`]).then(
    () => true,
    () => false, // nothing listens yet
  );
