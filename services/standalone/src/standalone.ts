import { startDemoModel } from '@moltbot/demo-model';
import type { MoltbotConfig } from '@moltbot/shared/contracts';
import { loadConfigFile, modelCatalogue, requireValidConfig, resolveConfigPath } from '@moltbot/config';
import type { Service } from '@moltbot/shared/runtime';
import { createLogControl } from '@moltbot/shared/telemetry';
import { lockInstance } from './instance-lock.ts';
import { startRedis } from './redis-server.ts';
import { startServices, type ServicesEnv } from './services.ts';
import { keptSecret, stateDir } from './state.ts';
import { welcome } from './welcome.ts';

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
  const redisDied = (code: number | null): void =>
    logs.logger.error({ code }, 'redis-server ended; starting it again');
  const servicesEnv: ServicesEnv = {
    ...env,
    REDIS_URL: given['REDIS_URL'] ?? cleanup.use(await startRedis(dir, redisDied)).url,
    INTERNAL_SECRET: keptSecret(dir, 'internal-secret'),
    MOLTBOT_CONFIG_PATH: configPath,
  };
  if (!canAskModels(config, env))
    servicesEnv['MOLTBOT_DEMO_MODEL_URL'] = cleanup.use(
      await startDemoModel({ tokenDelayMs: 15, record: false, control: false }),
    ).baseUrl;
  const services = cleanup.use(await startServices(servicesEnv, dir, logs));
  const [model] = modelCatalogue(config, servicesEnv).choices('main');
  print(
    welcome({
      scheme: config.gateway.tls.enabled ? 'https' : 'http',
      host: services.host,
      port: services.port,
      madeToken,
      terminal,
      model: model?.ref,
      configPath,
      stateDir: dir,
    }),
  );

  const owned = cleanup.move();
  return {
    drain: services.drain,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Whether there is a key for the model that answers, or for one of its fallbacks. */
function canAskModels(config: MoltbotConfig, env: NodeJS.ProcessEnv): boolean {
  const catalogue = modelCatalogue(config, env);
  return catalogue.choices('main').some(({ provider }) => catalogue.apiKey(provider) !== undefined);
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
