import { Command } from 'commander';
import { Exit, Failure } from '../../failure.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import {
  keyState,
  type KeyState,
  type Model,
  type ModelConfig,
  modelKey,
  readModelConfig,
  readModels,
  resolvedDefault,
} from './catalogue.ts';

const NONE = '-';

export function modelStatusCommand(terminal: Terminal, print: Printer): Command {
  return new Command('status')
    .description('The model in use, and whether its provider has a key')
    .option('--check', 'exit with 1 when the default model cannot be used')
    .action(async ({ check = false }: { check?: boolean }, command: Command) => {
      const [models, config] = await withGateway(terminal, command, (gateway) =>
        Promise.all([readModels(gateway), readModelConfig(gateway)]),
      );
      if (!config)
        throw new Failure(
          'this needs to read the configuration',
          'use a token with the scope operator.admin',
        );
      const status = describe(models, config);
      if (connectOptions(command).json) print.json(status);
      else report(print, status);
      if (check && status.problems.length > 0) throw new Exit(1);
    });
}

type ProviderAuth = Readonly<{ provider: string; key: KeyState; inUse: boolean }>;
type Status = ReturnType<typeof describe>;

/** Upstream's keys, and `problems`: what `--check` goes by. */
function describe(models: readonly Model[], config: ModelConfig) {
  const resolved = resolvedDefault(config) ?? null;
  const keys = models.map(modelKey);
  const used = [resolved, ...config.fallbacks].filter((key): key is string => typeof key === 'string');
  const inUse = new Set(used.map((key) => key.split('/', 1)[0] ?? key));
  const offered = models.find((model) => modelKey(model) === resolved);
  const providers: ProviderAuth[] = Object.entries(config.providers).map(([provider, settings]) => ({
    provider,
    key: keyState(settings),
    inUse: inUse.has(provider),
  }));
  return {
    configPath: config.configPath,
    agentDir: null,
    defaultModel: config.defaultModel ?? null,
    resolvedDefault: resolved,
    fallbacks: config.fallbacks,
    imageModel: config.imageModel ?? null,
    aliases: config.aliases,
    allowed: config.allowed,
    auth: { providers, missingProvidersInUse: missing(offered, providers) },
    problems: [
      ...(resolved === null ? ['no default model is set (agents.defaults.model.primary)'] : []),
      ...used.filter((key) => !keys.includes(key)).map((key) => `${key} is not offered by any provider`),
      ...missing(offered, providers).map((provider) => `the provider ${provider} has no key`),
    ],
  };
}

/** The server's word counts; a key that lies in the environment of the workers is not in the configuration. */
function missing(offered: Model | undefined, providers: readonly ProviderAuth[]): string[] {
  if (offered?.available !== undefined) return offered.available ? [] : [offered.provider];
  return providers.filter(({ inUse, key }) => inUse && key === 'missing').map(({ provider }) => provider);
}

function report(print: Printer, status: Status): void {
  const aliases = Object.entries(status.aliases).map(([alias, key]) => `${alias} -> ${key}`);
  print.line(`Config        : ${status.configPath}`);
  print.line(`Default       : ${print.style('bold', status.resolvedDefault ?? NONE)}`);
  print.line(`Fallbacks     : ${status.fallbacks.join(', ') || NONE}`);
  print.line(`Image model   : ${status.imageModel ?? NONE}`);
  print.line(`Aliases       : ${aliases.join(', ') || NONE}`);
  print.line(`Allowed       : ${status.allowed.join(', ') || 'all'}`);
  for (const { provider, key, inUse } of status.auth.providers) {
    print.line(`Provider      : ${provider} key ${key}${inUse ? ' (in use)' : ''}`);
  }
  for (const problem of status.problems) print.line(print.style('red', `Problem       : ${problem}`));
  if (status.problems.length === 0) print.line(print.style('green', 'Ready'));
}
