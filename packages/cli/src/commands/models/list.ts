import { Command } from 'commander';
import { count } from '../../output/format.ts';
import { printTable } from '../../output/table.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import {
  type Model,
  type ModelConfig,
  modelKey,
  readModelConfig,
  readModels,
  resolvedDefault,
} from './catalogue.ts';

/**
 * The list itself needs no more than reading rights. Tags and locality come from the
 * configuration, and are left open for a user who may not read it.
 */
export function modelListCommand(terminal: Terminal, print: Printer): Command {
  return new Command('list')
    .description('Models this gateway offers you')
    .option('--provider <id>', 'of one provider only')
    .action(async ({ provider }: { provider?: string }, command: Command) => {
      const [models, config] = await withGateway(terminal, command, (gateway) =>
        Promise.all([readModels(gateway), readModelConfig(gateway)]),
      );
      const rows = models
        .filter((model) => provider === undefined || model.provider === provider)
        .map((model) => describe(model, config));
      if (connectOptions(command).json) return print.json({ count: rows.length, models: rows });
      if (rows.length === 0)
        return print.line('No models. Add a provider: moltbot config set models.providers.<id> …');
      printTable(
        print,
        ['Model', 'Input', 'Ctx', 'Local', 'Auth', 'Tags'],
        rows.map((row) => [
          row.key,
          row.input,
          count(row.contextWindow),
          yesNo(row.local),
          yesNo(row.available),
          row.tags.join(','),
        ]),
      );
    });
}

/** Upstream's JSON, field by field; null is what cannot be known with this token. */
type Row = Readonly<{
  key: string;
  name: string;
  input: string;
  contextWindow: number | null;
  local: boolean | null;
  available: boolean | null;
  tags: string[];
  missing: boolean;
}>;

function describe(model: Model, config: ModelConfig | undefined): Row {
  const key = modelKey(model);
  return {
    key,
    name: model.name,
    input: (model.input ?? ['text']).join('+'),
    contextWindow: model.contextWindow ?? null,
    local: config ? isLocal(config.providers[model.provider]?.baseUrl) : null,
    available: model.available ?? null,
    tags: config ? tagsOf(key, config) : [],
    missing: false,
  };
}

function tagsOf(key: string, config: ModelConfig): string[] {
  const fallback = config.fallbacks.indexOf(key);
  const aliases = Object.entries(config.aliases).filter(([, target]) => target === key);
  return [
    ...(resolvedDefault(config) === key ? ['default'] : []),
    ...(fallback >= 0 ? [`fallback#${fallback + 1}`] : []),
    ...aliases.map(([alias]) => `alias:${alias}`),
  ];
}

const isLocal = (baseUrl: unknown): boolean =>
  typeof baseUrl === 'string' && /^https?:\/\/(localhost|127\.|\[::1\])/.test(baseUrl);
const yesNo = (value: boolean | null): string => (value === null ? '-' : value ? 'yes' : 'no');
