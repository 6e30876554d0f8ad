/** What a slash command needs to know to be answered without a model. */
export type CommandFacts = Readonly<{
  sessionKey: string;
  model: string;
  models: readonly string[];
  thinking: string;
  contextTokens: number;
  contextWindow: number;
  records: number;
}>;

/** The answer to `/status`, `/model`, `/help` and the like, and to a reset word. */
export function answerCommand(text: string, facts: CommandFacts): string {
  const [word = ''] = text.trim().toLowerCase().split(/\s+/);
  if (word === '/status' || word === '/usage') return status(facts);
  if (word === '/model' || word === '/models') return models(facts);
  if (word === '/help' || word === '/commands')
    return 'Commands: /status, /model, /new, /reset, /stop. Anything else goes to the model.';
  // what else is answered here is a reset word, and a company may have chosen its own
  return `New session started · model: ${facts.model}`;
}

function status(facts: CommandFacts): string {
  const percent = facts.contextWindow > 0 ? Math.round((facts.contextTokens / facts.contextWindow) * 100) : 0;
  return [
    `Session: ${facts.sessionKey}`,
    `Model: ${facts.model}`,
    `Thinking: ${facts.thinking}`,
    `Context: ${facts.contextTokens} of ${facts.contextWindow} tokens (${percent} %)`,
    `Records: ${facts.records}`,
  ].join('\n');
}

function models(facts: CommandFacts): string {
  return [`Model: ${facts.model}`, 'Available:', ...facts.models.map((ref) => `- ${ref}`)].join('\n');
}
