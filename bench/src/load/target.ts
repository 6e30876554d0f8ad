/** Where a stream comes from, and how its text is read off the wire. */
export type Target = Readonly<{
  host: string;
  port: number;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Matches every piece of text in a stream, as the content of a JSON string. */
  text: RegExp;
  /** What only a finished stream holds. */
  end: string;
}>;

const PORTS = /^http:\/\/([^:/]+):(\d+)/;

/** The Messages API: what the upstream speaks. */
export function messagesTarget(baseUrl: string, prompt: string): Target {
  return {
    ...address(baseUrl),
    path: '/v1/messages',
    headers: { 'x-api-key': 'none', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'demo-model',
      max_tokens: 8_192,
      stream: true,
      messages: [{ role: 'user', content: prompt }],
    }),
    text: /"text_delta","text":\s?"((?:[^"\\]|\\.)*)"/g,
    end: '"message_stop"',
  };
}

/** Chat completions: what every gateway offers its clients. */
export function completionsTarget(
  baseUrl: string,
  model: string,
  prompt: string,
  headers: Readonly<Record<string, string>>,
): Target {
  return {
    ...address(baseUrl),
    path: '/v1/chat/completions',
    headers,
    body: JSON.stringify({
      model,
      max_tokens: 8_192,
      stream: true,
      messages: [{ role: 'user', content: prompt }],
    }),
    text: /"content":\s?"((?:[^"\\]|\\.)*)"/g,
    end: '[DONE]',
  };
}

function address(baseUrl: string): { host: string; port: number } {
  const [, host, port] = PORTS.exec(baseUrl) ?? [];
  if (host === undefined) throw new Error(`not an address of this machine: ${baseUrl}`);
  return { host, port: Number(port) };
}
