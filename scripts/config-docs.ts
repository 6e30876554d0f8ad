/**
 * Fills the generated parts of docs/use/configuration.md from the schema of moltbot.json.
 *
 *   node --conditions=moltbot-source scripts/config-docs.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { KNOWN_PROVIDERS } from '../packages/shared/src/contracts/config/index.ts';
import { configKeys, type ConfigKey, type SchemaNode } from '../packages/config/src/index.ts';

const PAGE = new URL('../docs/use/configuration.md', import.meta.url);

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(titles), row(titles.map(() => '---')), ...rows.map(row)].join('\n');
}

/** `agents.list[].id`, `models.providers.*.apiKey` */
function nameOf({ path }: ConfigKey): string {
  return path.join('.').replaceAll('.[]', '[]');
}

function typeOf(node: SchemaNode): string {
  if (node.enum) return node.enum.map((value) => code(JSON.stringify(value))).join(', ');
  if (node.anyOf) return node.anyOf.map(typeOf).join(' or ');
  if (node.type === 'array') return node.items?.type ? `list of ${typeOf(node.items)}` : 'list';
  if (node.type === 'object' && node.properties) return `{${Object.keys(node.properties).join(', ')}}`;
  if (node.type === 'object') return 'map';
  return node.type ?? 'any';
}

function defaultOf(node: SchemaNode): string {
  return node.default === undefined ? '' : code(JSON.stringify(node.default));
}

function describe(key: ConfigKey): string {
  const { hint, node } = key;
  const example = hint.placeholder === undefined ? '' : ` Example: ${code(hint.placeholder)}.`;
  return `${node.description ?? ''}${hint.sensitive ? ' Secret.' : ''}${example}`;
}

const keys = configKeys();
/** A rule of `resetByType` and `resetByChannel` has the fields of `reset`; one description is enough. */
const repeated = (key: ConfigKey): boolean => /^session\.resetBy\w+\./.test(nameOf(key));
const served = keys.filter((key) => !key.hint.inert && !repeated(key));
const sections = ['gateway', 'session', 'logging', 'models', 'agents'];

function keyTables(): string {
  const titles = ['key', 'type', 'default', 'what it does', 'felt'];
  const tableOf = (own: readonly ConfigKey[]): string =>
    table(
      titles,
      own.map((key) => [
        code(nameOf(key)),
        typeOf(key.node),
        defaultOf(key.node),
        describe(key),
        key.hint.apply,
      ]),
    );
  const others = served.filter(({ path }) => !sections.includes(path[0] ?? ''));
  return [
    ...sections.map((name) => `### ${name}\n\n${tableOf(served.filter(({ path }) => path[0] === name))}`),
    `### elsewhere\n\n${tableOf(others)}`,
  ].join('\n\n');
}

function providerTable(): string {
  return table(
    ['provider', 'address', 'key from', 'form', 'models (context, answer; USD per million in, out)'],
    Object.entries(KNOWN_PROVIDERS).map(([id, known]) => [
      code(id),
      `${known.baseUrl}${known.baseUrlEnv ? `, or ${code(known.baseUrlEnv)}` : ''}`,
      code(known.keyEnv),
      code(known.api),
      known.models
        .map(({ id: model, contextWindow, maxTokens, cost }) => {
          return `${code(model)} (${contextWindow}, ${maxTokens}; ${cost?.input}, ${cost?.output})`;
        })
        .join('<br>'),
    ]),
  );
}

const PARTS: Readonly<Record<string, () => string>> = {
  keys: keyTables,
  providers: providerTable,
  differences: () =>
    table(
      ['key', 'difference'],
      keys.flatMap((key) => (key.hint.differs ? [[code(nameOf(key)), key.hint.differs]] : [])),
    ),
  inert: () =>
    keys
      .filter(({ hint }) => hint.inert)
      .map((key) => code(nameOf(key)))
      .join(', '),
};

function fill(page: string): string {
  return Object.entries(PARTS).reduce((text, [name, make]) => {
    const part = new RegExp(`(<!-- generated: ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
    if (!part.test(text)) throw new Error(`docs/use/configuration.md has no part "${name}"`);
    return text.replace(part, (_, open: string, close: string) => `${open}\n${make()}\n\n${close}`);
  }, page);
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const page = readFileSync(PAGE, 'utf8');
const filled = fill(page);
if (!values.check) writeFileSync(PAGE, filled);
else if (filled !== page) {
  console.error('docs/use/configuration.md is not what the schema says: run scripts/config-docs.ts');
  process.exitCode = 1;
}
