/** What both wire formats are reduced to before an answer is composed. */
export type AskMessage = Readonly<{
  role: 'user' | 'assistant';
  text: string;
  /** The last text block: what is answered when clients have joined several messages into one. */
  lastText: string;
  images: readonly AskImage[];
  toolResults: readonly string[];
}>;

export type AskImage = Readonly<{ mediaType: string; sizeBytes: number }>;

export type Ask = Readonly<{
  model: string;
  system: string;
  messages: readonly AskMessage[];
  maxTokens: number;
  stopSequences: readonly string[];
  toolNames: readonly string[];
  thinks: boolean;
  stream: boolean;
}>;

/** The message that is answered: the last one a user wrote, even when a prefill follows it. */
export function question(ask: Ask): AskMessage {
  const found = ask.messages.findLast((message) => message.role === 'user');
  return found ?? { role: 'user', text: '', lastText: '', images: [], toolResults: [] };
}

/** Text an assistant turn at the end of the request asks us to continue, or ''. */
export function prefill(ask: Ask): string {
  const last = ask.messages.at(-1);
  return last?.role === 'assistant' ? last.text : '';
}
