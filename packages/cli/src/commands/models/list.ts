import { Command } from 'commander';
import { count } from '../../output/format.ts';
import { printTable } from '../../output/table.ts';
import { connectOptions, withGateway } from '../../target/gateway.ts';
import type { Printer, Terminal } from '../../terminal.ts';
import {
  type Model,
  modelKey,
  type ModelStatus,
  readBaseUrls,
  readModels,
  readModelStatus,
} from './catalogue.ts';

export function modelListCommand(terminal: Terminal, print: Printer): Command {
  return new Command('list')
    .description('Models this gateway offers you')
    .option('--provider <id>', 'of one provider only')
    .action(async ({ provider }: { provider?: string }, command: Command) => {
      const [models, status, baseUrls] = await withGateway(terminal, command, (gateway) =>
        Promise.all([readModels(gateway), readModelStatus(gateway), readBaseUrls(gateway)]),
      );
      const rows = models
        .filter((model) => provider === undefined || model.provider === provider)
        .map((model) => describe(model, status, baseUrls.get(model.provider)));
      if (connectOptions(command).json) return print.json({ count: rows.length, models: rows });
      if (rows.length === 0) return print.line('No models. Add a provider under models.providers.');
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

/** Upstream's JSON, field by field. */
function describe(model: Model, status: ModelStatus, baseUrl: string | undefined) {
  const key = modelKey(model);
  return {
    key,
    name: model.name,
    input: (model.input ?? ['text']).join('+'),
    contextWindow: model.contextWindow ?? null,
    local: /^https?:\/\/(localhost|127\.|\[::1\])/.test(baseUrl ?? ''),
    available: status.auth.providers.some(({ provider, hasKey }) => provider === model.provider && hasKey),
    tags: tagsOf(key, status),
    missing: false,
  };
}

function tagsOf(key: string, status: ModelStatus): string[] {
  const fallback = status.fallbacks.indexOf(key);
  const aliases = Object.entries(status.aliases).filter(([, target]) => target === key);
  return [
    ...(status.resolvedDefault === key ? ['default'] : []),
    ...(fallback >= 0 ? [`fallback#${fallback + 1}`] : []),
    ...aliases.map(([alias]) => `alias:${alias}`),
  ];
}

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
