import { pino, type DestinationStream, type Logger } from 'pino';
import { compilePatterns, redactText } from './redaction.ts';

export type { Logger } from 'pino';
export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export type LogSettings = Readonly<{ level: LogLevel; redact: boolean; patterns: readonly RegExp[] }>;
export const DEFAULT_LOG_SETTINGS: LogSettings = { level: 'info', redact: true, patterns: [] };

/** The `logging` section as a logger takes it. Secrets are masked whatever `redactSensitive` says. */
export function logSettings(
  logging: Readonly<{ level: LogLevel; redactPatterns: readonly string[] }>,
): LogSettings {
  return { level: logging.level, redact: true, patterns: compilePatterns(logging.redactPatterns) };
}

/** A sink takes whole lines, newline included. */
export type LogSink = (line: string) => void;

export type LogControl = Readonly<{
  logger: Logger;
  /** Takes effect for the next line, on every child logger too. */
  apply(settings: LogSettings): void;
  addSink(sink: LogSink): () => void;
}>;

/**
 * JSON lines to stdout and to every added sink, redacted before any of them.
 * `msg` ends in `user:<id>` where a user is concerned, so that the guide's awk finds it.
 */
export function createLogControl(
  service: string,
  initial: LogSettings = DEFAULT_LOG_SETTINGS,
  stdout: LogSink = (line) => process.stdout.write(line),
): LogControl {
  let settings = initial;
  const sinks = new Set<LogSink>([stdout]);
  const stream: DestinationStream = {
    write(line: string): void {
      const shown = cutLine(settings.redact ? redactText(line, settings.patterns) : line);
      for (const sink of sinks) sink(shown);
    },
  };
  const logger = pino(
    {
      level: initial.level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => errorFacts(error) },
    },
    stream,
  );
  return {
    logger,
    apply(next) {
      settings = next;
      logger.level = next.level;
    },
    addSink(sink) {
      sinks.add(sink);
      return () => sinks.delete(sink);
    },
  };
}

const MOST_CAUSES = 4;

/** @NOTE not pino's own, which shows every member: a refused Redis command carries its arguments, message text among them. */
function errorFacts(error: unknown, causes = 0): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { name, message, stack, cause } = error;
  const code: unknown = (error as NodeJS.ErrnoException).code;
  return {
    type: error.constructor.name || name,
    message,
    ...(typeof code === 'string' && { code }),
    stack,
    ...(cause !== undefined && causes < MOST_CAUSES && { cause: errorFacts(cause, causes + 1) }),
  };
}

const MOST_LINE_CHARS = 65_536;
const MOST_VALUE_CHARS = 4_000;

/** A line that is too long, still as JSON and with `cut` for its length. After redaction: half a secret would not be known as one. */
function cutLine(line: string): string {
  if (line.length <= MOST_LINE_CHARS) return line;
  const short = Object.entries(membersOf(line)).map(([name, value]) => [name, cutValue(value)] as const);
  return `${JSON.stringify({ ...Object.fromEntries(short), cut: line.length })}\n`;
}

/** @NOTE a mask may have taken a quotation mark with it. */
function membersOf(line: string): object {
  try {
    return JSON.parse(line) as object;
  } catch {
    return { msg: line };
  }
}

function cutValue(value: unknown): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= MOST_VALUE_CHARS ? value : `${text.slice(0, MOST_VALUE_CHARS)}…`;
}

/** `turn accepted user:alice`: the form that `awk '/user:/'` counts by. */
export const withUser = (message: string, userId: string): string => `${message} user:${userId}`;
