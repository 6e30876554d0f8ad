/** What a message asks for before any model is thought of. */
export type Intent =
  | Readonly<{ kind: 'chat'; text: string }>
  | Readonly<{ kind: 'stop' }>
  /** A new generation of the session first; `text` is '' when nothing else was said. */
  | Readonly<{ kind: 'reset'; text: string; trigger: string }>
  | Readonly<{ kind: 'command'; text: string }>;

const STOP_WORDS = new Set(['/stop', 'stop', 'esc', 'abort', 'wait', 'exit', 'interrupt']);
const COMMANDS = new Set(['/status', '/usage', '/model', '/models', '/help', '/commands']);

export function readIntent(message: string, resetTriggers: readonly string[]): Intent {
  const text = message.trim();
  const lower = text.toLowerCase();
  if (STOP_WORDS.has(lower)) return { kind: 'stop' };
  const trigger = resetTriggers.find(
    (word) => lower === word.toLowerCase() || lower.startsWith(`${word.toLowerCase()} `),
  );
  if (trigger !== undefined) return { kind: 'reset', text: text.slice(trigger.length).trim(), trigger };
  const [word = ''] = lower.split(/\s+/);
  return COMMANDS.has(word) ? { kind: 'command', text } : { kind: 'chat', text: message };
}

const TITLE_CHARS = 60;

/** First words of a conversation, until somebody gives it a label. */
export function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= TITLE_CHARS ? line : `${line.slice(0, TITLE_CHARS - 1).trimEnd()}…`;
}
