import { request, type Agent, type IncomingMessage } from 'node:http';
import type { Target } from './target.ts';

export type StreamResult = Readonly<{
  firstTokenMs: number;
  totalMs: number;
  text: string;
  /** Why this is no whole answer. */
  fault: string | undefined;
}>;

const ANSWER_WITHIN_MS = 30_000;

/** One streamed answer, read with as little work as can tell its first token and its text. */
export function streamOnce(target: Target, agent: Agent): Promise<StreamResult> {
  const startedAtMs = performance.now();
  return new Promise((resolve) => {
    const fail = (fault: string): void => {
      resolve({ firstTokenMs: 0, totalMs: performance.now() - startedAtMs, text: '', fault });
    };
    const { host, port, path, body } = target;
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...target.headers,
    };
    const req = request({ host, port, path, method: 'POST', agent, headers, timeout: ANSWER_WITHIN_MS });
    req.once('error', (error) => fail(error.message));
    req.once('timeout', () => req.destroy(new Error('silent for too long')));
    req.once('response', (res) => readStream(res, target, startedAtMs, resolve, fail));
    req.end(body);
  });
}

function readStream(
  res: IncomingMessage,
  target: Target,
  startedAtMs: number,
  resolve: (result: StreamResult) => void,
  fail: (fault: string) => void,
): void {
  let received = '';
  let firstTokenMs = 0;
  res.setEncoding('utf8');
  res.on('data', (chunk: string) => {
    received += chunk;
    if (firstTokenMs === 0 && holdsText(received, target)) firstTokenMs = performance.now() - startedAtMs;
  });
  res.once('error', (error) => fail(error.message));
  res.once('end', () => {
    if (res.statusCode !== 200) return fail(`HTTP ${res.statusCode}: ${received.slice(0, 300)}`);
    const whole = received.includes(target.end);
    resolve({
      firstTokenMs,
      totalMs: performance.now() - startedAtMs,
      text: textOf(received, target),
      fault: whole ? undefined : `the stream ended early: …${received.slice(-300)}`,
    });
  });
}

function holdsText(received: string, target: Target): boolean {
  for (const [, text] of received.matchAll(target.text)) if (text !== '') return true;
  return false;
}

function textOf(received: string, target: Target): string {
  let json = '';
  for (const [, text = ''] of received.matchAll(target.text)) json += text;
  return json.includes('\\') ? (JSON.parse(`"${json}"`) as string) : json;
}
