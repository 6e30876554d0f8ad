import { Fault } from './faults.ts';

/** What the last user message tells the demo model to do, for tests and benchmarks. */
export type Directives = Readonly<{
  echo?: string;
  tokens?: number;
  delayMs?: number;
  think?: boolean;
  summary?: boolean;
  markdown?: boolean;
  history?: boolean;
  system?: boolean;
  tool?: Readonly<{ name: string; input: Record<string, unknown> }>;
  fault?: Fault;
}>;

const MAX_TOKENS = 100_000;
const DIRECTIVE = /(?:^|\s)#(echo|tokens|delay|think|summary|markdown|history|system|tool|fault)(?![\w-])/g;
/** Transcripts end a user's text with this line; it is no part of what was said. */
const MESSAGE_ID = /\n\[message_id: [^\]\n]*\]\s*$/;

type Draft = { -readonly [K in keyof Directives]: Directives[K] };
type Reader = (argument: string, draft: Draft) => void;

const READERS: Readonly<Record<string, Reader>> = {
  echo: (argument, draft) => void (draft.echo = argument),
  tokens: (argument, draft) => void (draft.tokens = count(argument, MAX_TOKENS)),
  delay: (argument, draft) => void (draft.delayMs = count(argument, 60_000)),
  think: (_, draft) => void (draft.think = true),
  summary: (_, draft) => void (draft.summary = true),
  markdown: (_, draft) => void (draft.markdown = true),
  history: (_, draft) => void (draft.history = true),
  system: (_, draft) => void (draft.system = true),
  tool: readTool,
  fault: readFault,
};

export function spokenText(text: string): string {
  return text.replace(MESSAGE_ID, '');
}

export function readDirectives(text: string): Directives {
  if (!text.includes('#')) return {};
  const spoken = spokenText(text);
  const draft: Draft = {};
  const marks = [...spoken.matchAll(DIRECTIVE)];
  for (const [at, mark] of marks.entries()) {
    const name = mark[1] ?? '';
    const start = mark.index + mark[0].length;
    // Echoed text is taken whole: a `#` inside it is text.
    const end = name === 'echo' ? spoken.length : marks[at + 1]?.index;
    const argument = spoken.slice(start, end).replace(/^[ \t]/, '');
    READERS[name]?.(name === 'echo' ? argument : argument.trim(), draft);
    if (name === 'echo') break;
  }
  return draft;
}

function count(argument: string, max: number): number {
  const value = Number.parseInt(argument, 10);
  return Number.isNaN(value) ? 0 : Math.min(Math.max(value, 0), max);
}

function readTool(argument: string, draft: Draft): void {
  const [, name, json] = /^(\S+)\s*(\{.*\})?/s.exec(argument) ?? [];
  if (name === undefined) return;
  try {
    draft.tool = { name, input: JSON.parse(json ?? '{}') as Record<string, unknown> };
  } catch {
    draft.tool = { name, input: {} };
  }
}

const BARE_FAULTS: ReadonlySet<string> = new Set(['endless', 'none', 'reset', 'silent', 'empty']);

/** `cut 5`, `429 x2 retry-after 1`, `slow 500`, `endless`; what makes no fault is left alone. */
function readFault(argument: string, draft: Draft): void {
  const [head = '', ...rest] = argument.split(/\s+/);
  const times = rest.find((word) => /^x\d+$/.test(word))?.slice(1);
  const parsed = Fault.safeParse({
    ...faultBody(head, argument, rest),
    ...(times !== undefined && { times: Number(times) }),
  });
  if (parsed.success) draft.fault = parsed.data;
}

function faultBody(head: string, argument: string, rest: readonly string[]): Record<string, unknown> {
  if (/^\d{3}$/.test(head)) {
    const retryAfter = /retry-after (\d+(?:\.\d+)?)/.exec(argument)?.[1];
    const wait = retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) };
    return { kind: 'status', status: Number(head), ...wait };
  }
  if (BARE_FAULTS.has(head)) return { kind: head };
  if (head === 'stop') return { kind: head, reason: rest[0] };
  const amount = count(rest.find((word) => /^\d+$/.test(word)) ?? '0', MAX_TOKENS);
  const measure = { slow: 'firstTokenMs', split: 'bytes' }[head] ?? 'afterTokens';
  return { kind: head, [measure]: amount };
}
