import { join } from 'node:path';
import { startAuth } from '@moltbot/auth';
import { startDemoModel } from '@moltbot/demo-model';
import { readGatewayConfig, startGateway } from '@moltbot/gateway';
import { readWorkerConfig, startLlmWorker } from '@moltbot/llm-worker';
import { readConfig as readStoreConfig, startSessionStore } from '@moltbot/session-store';
import { loadConfigFile, modelCatalogue, requireValidConfig, resolveConfigPath } from '@moltbot/config';
import { type Service } from '@moltbot/shared/runtime';
import { createLogControl } from '@moltbot/shared/telemetry';
import { lockInstance } from './instance-lock.ts';
import { startRedis } from './redis-server.ts';
import { keptSecret, stateDir } from './state.ts';
import { welcome } from './welcome.ts';

/** A person waits at the terminal; what does not end by then goes on after the next start. */
const ONE_SERVER_DRAIN_MS = '10000';

/** What the process hands over: its environment, whether a person watches, where to greet. */
export type Surroundings = Readonly<{
  env: NodeJS.ProcessEnv;
  pid: number;
  terminal: boolean;
  print(text: string): void;
}>;

/** All services in one process, with a Redis of its own: one server, or a first try. */
export async function startStandalone({ env: given, pid, terminal, print }: Surroundings): Promise<Service> {
  await using cleanup = new AsyncDisposableStack();
  const dir = stateDir(given);
  const configPath = resolveConfigPath(given);
  const { env, madeToken } = withToken(given, dir, configPath);
  const config = requireValidConfig(loadConfigFile(configPath, env));
  cleanup.use(lockInstance(dir, pid));

  const quiet = terminal && given['MOLTBOT_LOG_STDOUT'] === undefined;
  const logs = createLogControl('moltbot', undefined, quiet ? () => undefined : undefined);
  const { logger: log } = logs;
  const redisDied = (code: number | null): void =>
    log.error({ code }, 'redis-server ended; starting it again');
  const redisUrl = given['REDIS_URL'] ?? cleanup.use(await startRedis(dir, redisDied)).url;
  if (
    modelCatalogue(config, env)
      .choices('main')
      .every((model) => modelCatalogue(config, env).apiKey(model.provider) === undefined)
  )
    env['MOLTBOT_DEMO_MODEL_URL'] = cleanup.use(
      await startDemoModel({ tokenDelayMs: 15, record: false, control: false }),
    ).baseUrl;
  Object.assign(env, {
    REDIS_URL: redisUrl,
    INTERNAL_SECRET: keptSecret(dir, 'internal-secret'),
    MOLTBOT_CONFIG_PATH: configPath,
  });

  const loopback = { port: 0, host: '127.0.0.1' } as const;
  const auth = cleanup.use(
    await startAuth({ redisUrl, http: loopback, internalSecret: env['INTERNAL_SECRET'] ?? '' }, { log }),
  );
  const storeEnv = {
    ARCHIVE_DIR: join(dir, 'sessions'),
    SESSION_STORE_PORT: '0',
    SESSION_STORE_HOST: '127.0.0.1',
    ...env,
  };
  const store = cleanup.use(await startSessionStore(readStoreConfig(storeEnv), { log }));
  const worker = cleanup.use(
    await startLlmWorker(
      { ...readWorkerConfig({ WORKER_DRAIN_MS: ONE_SERVER_DRAIN_MS, ...env }), alone: true, http: undefined },
      { logs },
    ),
  );
  const services = { AUTH_URL: auth.url, SESSION_STORE_URL: store.url };
  const gateway = cleanup.use(
    await startGateway(
      {
        ...readGatewayConfig({ ...env, ...services }),
        wholeConfig: true,
        defaultLogFile: join(dir, 'logs', 'gateway.log'),
      },
      { logs, registries: [auth.registry, store.registry, worker.registry] },
    ),
  );
  const [model] = modelCatalogue(config, env).choices('main');
  print(
    welcome({
      scheme: config.gateway.tls.enabled ? 'https' : 'http',
      host: gateway.host,
      port: gateway.port,
      madeToken,
      terminal,
      model: model?.ref,
      configPath,
      stateDir: dir,
    }),
  );

  const owned = cleanup.move();
  return {
    drain: async () => {
      await gateway.drain();
      await worker.drain();
      await store.drain();
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Without a token of the operator's there is one made for this state directory, and printed. */
function withToken(
  given: NodeJS.ProcessEnv,
  dir: string,
  configPath: string,
): { env: NodeJS.ProcessEnv; madeToken: string | undefined } {
  const env = { ...given };
  const named = ['MOLTBOT_GATEWAY_TOKEN', 'CLAWDBOT_GATEWAY_TOKEN', 'OPENCLAW_GATEWAY_TOKEN'].some(
    (name) => given[name],
  );
  const { auth } = loadConfigFile(configPath, env).config.gateway;
  if (named || auth.token !== undefined || auth.password !== undefined) return { env, madeToken: undefined };
  const madeToken = keptSecret(dir, 'gateway-token');
  return { env: { ...env, MOLTBOT_GATEWAY_TOKEN: madeToken }, madeToken };
}
