import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { toAppError, toHttpError } from '@moltbot/shared/errors';
import type { AssistantRecord, EndOfRun, TurnRequest } from '../domain/ports.ts';
import { textOf } from '../domain/transcript.ts';
import type { Services } from '../services.ts';
import { principalOf } from './authenticate.ts';
import { parseBody } from './body.ts';
import { ChatBody, clientTools, readConversation } from './openai-messages.ts';
import { followRun, idempotencyKey } from './run.ts';
import { openSse, type Sse } from './sse.ts';
import { httpTarget } from './target.ts';

type Head = Readonly<{ id: string; created: number; model: string }>;

/** `POST /v1/chat/completions` as the openai SDK expects it, whole or streamed. */
export function chatCompletions(services: Services): RequestHandler {
  return async (request, response) => {
    const body = parseBody(ChatBody, request.body);
    const { system, context, blocks } = readConversation(body.messages);
    const { session, fresh, channel, model } = httpTarget(request, 'openai', body.model, body.user, services);
    const tools = clientTools(body.tools);
    const turn: TurnRequest = {
      session, fresh, channel, model, system, context, blocks, tools, toolChoice: body.tool_choice,
      runId: idempotencyKey(request) ?? randomUUID(), intent: { kind: 'chat', text: '' },
      thinking: body.reasoning_effort ?? undefined, maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    };
    const head: Head = { id: `chatcmpl_${randomUUID()}`, created: Math.floor(Date.now() / 1_000), model: body.model };
    if (body.stream === true) await stream(services, turn, head, body.stream_options?.include_usage === true, response);
    else response.json(completion(head, await followRun(services, principalOf(response), turn, response, {})));
  };
}

async function stream(services: Services, turn: TurnRequest, head: Head, withUsage: boolean, response: Response): Promise<void> {
  const before = JSON.stringify({ id: head.id, object: 'chat.completion.chunk', created: head.created, model: head.model }).slice(0, -1);
  const chunk = (delta: unknown, finish: string | null): string => `data: ${before},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(finish)}}]}\n\n`;
  let sse: Sse | undefined;
  try {
    const end = await followRun(services, principalOf(response), turn, response, {
      accepted: () => {
        sse ??= begin();
      },
      delta: (text) => (sse ??= begin()).write(chunk({ content: text }, null)),
    });
    const calls = toolCalls(end);
    const last = (calls.length > 0 ? chunk({ tool_calls: calls }, null) : '') + chunk({}, finishReason(end));
    const usage = withUsage ? `data: ${before},"choices":[],"usage":${JSON.stringify(usageOf(end))}}\n\n` : '';
    sse?.end(`${last}${usage}data: [DONE]\n\n`);
  } catch (cause) {
    if (!sse) throw cause;
    sse.data(toHttpError(toAppError(cause)).body);
    sse.end();
  }
  function begin(): Sse {
    const made = openSse(response);
    made.write(chunk({ role: 'assistant' }, null));
    return made;
  }
}

const recordOf = (end: EndOfRun): AssistantRecord | undefined => end.message as AssistantRecord | undefined;

function finishReason(end: EndOfRun): 'stop' | 'length' | 'tool_calls' {
  const reason = recordOf(end)?.stopReason;
  return reason === 'length' ? 'length' : reason === 'toolUse' ? 'tool_calls' : 'stop';
}

export function toolCalls(end: EndOfRun): { index: number; id: string; type: 'function'; function: { name: string; arguments: string } }[] {
  const calls = (recordOf(end)?.content ?? []).filter(({ type }) => type === 'toolCall');
  return calls.map((block, index) => ({
    index, id: String(block['id']), type: 'function', function: { name: String(block['name']), arguments: JSON.stringify(block['arguments'] ?? {}) },
  }));
}

function usageOf(end: EndOfRun): Record<string, unknown> {
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0 } = recordOf(end)?.usage ?? {};
  const prompt = input + cacheRead + cacheWrite;
  return { prompt_tokens: prompt, completion_tokens: output, total_tokens: prompt + output, prompt_tokens_details: { cached_tokens: cacheRead } };
}

function completion(head: Head, end: EndOfRun): unknown {
  const calls = toolCalls(end).map(({ index: _index, ...call }) => call);
  const text = textOf(recordOf(end)?.content ?? []);
  const message = { role: 'assistant', content: text === '' && calls.length > 0 ? null : text, ...(calls.length > 0 && { tool_calls: calls }) };
  return {
    id: head.id, object: 'chat.completion', created: head.created, model: head.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(end) }],
    usage: usageOf(end),
  };
}
