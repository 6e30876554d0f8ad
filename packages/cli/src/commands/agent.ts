import { followSession, LOCAL_CODES, RequestError, type RunFrame } from '@moltbot/client';
import { AgentEvent, WireMessage } from '@moltbot/shared/contracts';
import { Command } from 'commander';
import { Failure } from '../failure.ts';
import { connectGateway, connectOptions, type Gateway } from '../target/gateway.ts';
import type { Printer, Terminal } from '../terminal.ts';

/** A turn may wait in line behind others; Ctrl-C ends it sooner. */
const TURN_TIMEOUT_MS = 600_000;

const HISTORY_LIMIT = 20;

type Options = Readonly<{
  message: string;
  sessionKey?: string;
  agent?: string;
  thinking?: string;
  timeout?: number;
  json?: boolean;
}>;
type Result = Readonly<{
  runId: string;
  status: string;
  result?: { payloads?: readonly { text?: string | null }[] };
}>;

export function agentCommand(terminal: Terminal, print: Printer): Command {
  return new Command('agent')
    .description('One turn from the terminal; the answer is printed as it comes')
    .requiredOption('-m, --message <text>', 'what to say')
    .option('--session-key <key>', 'conversation to say it in (default: your main one)')
    .option('--agent <id>', 'agent to ask')
    .option('--thinking <level>', 'off, minimal, low, medium or high')
    .action(async (_options: unknown, command: Command) => {
      const options = { ...command.opts<Options>(), ...connectOptions(command) };
      const timeoutMs = options.timeout ?? TURN_TIMEOUT_MS;
      const { timeout: _turns, ...connect } = options;
      using gateway = await connectGateway(terminal, connect, { reconnect: true });
      await turn(gateway, terminal, print, { ...options, timeout: timeoutMs });
    });
}

async function turn(
  gateway: Gateway,
  terminal: Terminal,
  print: Printer,
  options: Options & { timeout: number },
): Promise<void> {
  const runId = crypto.randomUUID();
  const sessionKey = sessionKeyOf(options, mainKey(gateway));
  const answer = new StreamedAnswer(print);
  if (!options.json)
    followSession(gateway.client, sessionKey, {
      frame: (frame) => answer.hear(runId, frame),
      resumed: ({ runs }) => answer.show(runs.find((run) => run.runId === runId)?.text ?? ''),
      restarted: () => undefined, // its whole text comes with the end
    });
  terminal.interrupted.addEventListener('abort', () => {
    // Best effort: the run also ends when nobody asks for its rest.
    gateway.client.request('chat.abort', { sessionKey, runId }).catch(() => undefined);
  });
  const params = {
    message: options.message,
    idempotencyKey: runId,
    sessionKey,
    deliver: false,
    ...(options.agent !== undefined && { agentId: options.agent }),
    ...(options.thinking !== undefined && { thinking: options.thinking }),
  };
  const result = await untilAnswered(gateway, params, options.timeout);
  if (options.json) return print.json(result);
  answer.end(result.result ? textOf(result) : await storedAnswer(gateway, sessionKey, runId));
  if (terminal.interrupted.aborted) throw new Failure('aborted');
}

/** A gateway that restarts costs a reconnect: the same key asks for the same run. */
async function untilAnswered(gateway: Gateway, params: unknown, timeoutMs: number): Promise<Result> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await gateway.call<Result>('agent', params, {
        expectFinal: true,
        timeoutMs: Math.max(1, deadlineMs - Date.now()),
      });
    } catch (error) {
      const cause = error instanceof Failure ? error.cause : undefined;
      const isLost = cause instanceof RequestError && cause.code === LOCAL_CODES.disconnected;
      if (!isLost || Date.now() >= deadlineMs) throw error;
    }
  }
}

const textOf = ({ result }: Result): string =>
  result?.payloads?.map((payload) => payload.text ?? '').join('\n\n') ?? '';

/** A run that ended while we were away is answered with `ok` alone; what it said is in the history. */
async function storedAnswer(gateway: Gateway, sessionKey: string, runId: string): Promise<string> {
  const { messages } = await gateway.call<{ messages: readonly unknown[] }>('chat.history', {
    sessionKey,
    limit: HISTORY_LIMIT,
  });
  const said = messages
    .flatMap((raw) => WireMessage.safeParse(raw).data ?? [])
    .filter((message) => message['runId'] === runId && message.role === 'assistant');
  return said.map(({ content }) => plainText(content)).join('\n\n');
}

function plainText(content: WireMessage['content']): string {
  if (typeof content === 'string') return content;
  return content
    .map((block) => (block.type === 'text' && typeof block['text'] === 'string' ? block['text'] : ''))
    .join('');
}

/** Said in full: where the answer is followed, a bare key would mean the default agent's session. */
function sessionKeyOf({ sessionKey, agent }: Options, main: string): string {
  if (agent === undefined) return sessionKey ?? main;
  const named = sessionKey ?? (main === 'global' ? main : 'main');
  return /^(agent:|global$)/i.test(named.trim()) ? named : `agent:${agent}:${named}`;
}

/** The server knows the user's main conversation; `main` is what an old one calls it. */
function mainKey(gateway: Gateway): string {
  return gateway.client.hello?.snapshot.sessionDefaults?.mainSessionKey ?? 'main';
}

/** Prints what is new of a text that arrives whole each time. */
class StreamedAnswer {
  readonly #print: Printer;
  #shown = '';

  constructor(print: Printer) {
    this.#print = print;
  }

  hear(runId: string, frame: RunFrame): void {
    if (frame.event !== 'agent') return;
    const event = AgentEvent.safeParse(frame.payload).data;
    const text = event?.data['text'];
    if (event?.runId === runId && event.stream === 'assistant' && typeof text === 'string') this.show(text);
  }

  /** The beginning of what stands there, from an attempt that begins again, is not worth saying twice. */
  show(text: string): void {
    if (!this.#shown.startsWith(text)) this.#say(text);
  }

  end(text: string): void {
    if (text !== '' && text !== this.#shown) this.#say(text);
    if (!this.#shown.endsWith('\n')) this.#print.line();
  }

  #say(text: string): void {
    if (text.startsWith(this.#shown)) this.#print.text(text.slice(this.#shown.length));
    // A worker was lost and another began again: what stands there is not the beginning of this.
    else this.#print.text(`\n\n${text}`);
    this.#shown = text;
  }
}
