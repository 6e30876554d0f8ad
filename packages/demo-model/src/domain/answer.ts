import { prefill, question, type Ask } from './ask.ts';
import { readDirectives, spokenText, type Directives } from './directives.ts';
import type { Fault } from './faults.ts';
import { splitTokens } from './tokens.ts';
import * as wording from './wording.ts';

type ToolCall = Readonly<{ name: string; input: Record<string, unknown> }>;

export type Answer = Readonly<{
  thinking: readonly string[];
  tokens: readonly string[];
  tool: ToolCall | undefined;
  /** As the Messages API names it, or what a fault makes up. */
  stopReason: string;
  stopSequence: string | null;
  directives: Directives;
}>;

const SUMMARY_LOOKS_AT_CHARACTERS = 2_000;
const SUMMARY_REQUESTS = [
  /\bsummari[sz]e\b[^.?!]{0,60}\b(?:conversation|session|chat|transcript|messages|dialogue)\b/i,
  /\b(?:write|give|create|make|produce|provide)\b[^.?!]{0,40}\bsummary of\b[^.?!]{0,60}\b(?:conversation|session|chat|transcript|messages|dialogue)\b/i,
  /(?:总结|概括|摘要)[^。？！]{0,30}(?:对话|会话|聊天)|(?:对话|会话|聊天)[^。？！]{0,30}(?:总结|概括|摘要)/,
];

export function composeAnswer(ask: Ask): Answer {
  const said = question(ask);
  // A transcript handed over for compaction may quote directives; they are text there.
  const summarises = wantsSummary(ask, said.lastText);
  const directives = summarises ? { summary: true } : readDirectives(said.lastText);
  const before = prefill(ask);
  // what it would have said without a prefill: some answers count or quote the messages
  const asked = before === '' ? ask : { ...ask, messages: ask.messages.slice(0, -1) };
  const whole = fullText(asked, directives);
  const text = before !== '' && whole.startsWith(before) ? whole.slice(before.length) : whole;
  const thinks = (ask.thinks || directives.think === true) && before === '';
  return {
    thinking: thinks ? splitTokens(wording.thoughtAbout(said.lastText)) : [],
    directives,
    ...finish(ask, text, directives),
  };
}

/** The answer as a fault leaves it before it is sent. */
export function spoilt(answer: Answer, fault: Fault | undefined): Answer {
  if (fault?.kind === 'stop') return { ...answer, stopReason: fault.reason };
  if (fault?.kind !== 'empty') return answer;
  return {
    ...answer,
    thinking: [],
    tokens: [],
    tool: undefined,
    stopReason: 'end_turn',
    stopSequence: null,
  };
}

function wantsSummary(ask: Ask, text: string): boolean {
  if (/^\s*#/.test(text)) return false;
  const places = [
    ask.system.slice(0, SUMMARY_LOOKS_AT_CHARACTERS),
    text.slice(0, SUMMARY_LOOKS_AT_CHARACTERS),
    text.slice(SUMMARY_LOOKS_AT_CHARACTERS).slice(-SUMMARY_LOOKS_AT_CHARACTERS),
  ];
  return places.some((place) => SUMMARY_REQUESTS.some((request) => request.test(place)));
}

function fullText(ask: Ask, directives: Directives): string {
  const said = question(ask);
  const text = spokenText(said.lastText);
  if (directives.echo !== undefined) return directives.echo;
  if (directives.tokens !== undefined) return countedWords(directives.tokens);
  if (directives.summary) return wording.summaryAnswer(ask.messages, said.lastText);
  if (directives.history) return wording.historyAnswer(ask.messages);
  if (directives.system) return ask.system;
  if (directives.tool) return '';
  if (said.toolResults.length > 0) return wording.toolResultAnswer(said.toolResults);
  if (directives.markdown || /\bmarkdown\b/i.test(text)) return wording.markdownAnswer(text);
  return wording.plainAnswer(said, text, ask.messages.length);
}

/** `t1 t2 … tN`: a text a benchmark can check to the last character. */
function countedWords(count: number): string {
  return Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');
}

type Ending = Pick<Answer, 'tokens' | 'tool' | 'stopReason' | 'stopSequence'>;

function finish(ask: Ask, text: string, directives: Directives): Ending {
  const tool = directives.tool;
  if (tool) return { tokens: [], tool, stopReason: 'tool_use', stopSequence: null };
  const stop = firstStop(text, ask.stopSequences);
  const tokens = splitTokens(stop === undefined ? text : text.slice(0, stop.at));
  if (tokens.length > ask.maxTokens) {
    const kept = tokens.slice(0, ask.maxTokens);
    return { tokens: kept, tool: undefined, stopReason: 'max_tokens', stopSequence: null };
  }
  if (stop) return { tokens, tool: undefined, stopReason: 'stop_sequence', stopSequence: stop.text };
  return { tokens, tool: undefined, stopReason: 'end_turn', stopSequence: null };
}

function firstStop(text: string, stops: readonly string[]): { at: number; text: string } | undefined {
  const found = stops.map((stop) => ({ at: text.indexOf(stop), text: stop })).filter(({ at }) => at >= 0);
  return found.toSorted((a, b) => a.at - b.at)[0];
}
