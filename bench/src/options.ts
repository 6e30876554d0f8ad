import { parseArgs } from 'node:util';

const NEIGHBOURS = ['litellm', 'portkey'] as const;
export type Neighbour = (typeof NEIGHBOURS)[number];

export type BenchOptions = Readonly<{
  /** Measured time of each system at each level of concurrency. */
  seconds: number;
  concurrency: readonly number[];
  tokens: number;
  jsonFile: string | undefined;
  neighbours: readonly Neighbour[];
  profile: boolean;
  /** Measure the upstream alone, without the product. */
  directOnly: boolean;
}>;

export const USAGE = `npm run bench -- [options]
  --seconds N          measured seconds of each system at each concurrency (6)
  --concurrency LIST   streams at once (1,10,50)
  --tokens N           tokens of each answer (64)
  --json FILE          also write the figures as JSON
  --with LIST          measure neighbours in the same run: litellm, portkey
  --profile            write a CPU profile of the product to bench/out and summarise it
  --direct-only        measure the upstream alone
  --help`;

export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '6' },
      concurrency: { type: 'string', default: '1,10,50' },
      tokens: { type: 'string', default: '64' },
      json: { type: 'string' },
      with: { type: 'string', default: '' },
      profile: { type: 'boolean', default: false },
      'direct-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    seconds: inRange('--seconds', values.seconds, 600),
    concurrency: listOf(values.concurrency).map((text) => inRange('--concurrency', text, 1_000)),
    tokens: inRange('--tokens', values.tokens, 10_000),
    jsonFile: values.json,
    neighbours: listOf(values.with).map(neighbourOf),
    profile: values.profile,
    directOnly: values['direct-only'],
  };
}

function listOf(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}

function inRange(name: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`${name} must be a whole number from 1 to ${max}, not "${text}"`);
}

function neighbourOf(text: string): Neighbour {
  const found = NEIGHBOURS.find((name) => name === text);
  if (found === undefined) throw new Error(`--with knows ${NEIGHBOURS.join(', ')}, not "${text}"`);
  return found;
}
