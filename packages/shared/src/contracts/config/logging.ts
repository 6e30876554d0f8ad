import { z } from 'zod';
import { inert, key } from './key.ts';

const Level = z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']);

const LogFile = z
  .union(
    [
      z
        .string()
        .min(1)
        .transform((path) => ({ enabled: true, path })),
      z.strictObject({ enabled: z.boolean().default(true), path: z.string().min(1).optional() }),
    ],
    'expected a path or {enabled, path}',
  )
  .refine((file) => !file.enabled || file.path !== undefined, {
    path: ['path'],
    message: 'needed while the file is enabled',
  });

/** A bare source or `/source/flags`, as the loggers compile it. */
const Pattern = z.string().refine((text) => {
  const literal = /^\/(.*)\/([a-z]*)$/.exec(text);
  try {
    return Boolean(new RegExp(literal?.[1] ?? text, literal?.[2] ?? ''));
  } catch {
    return false;
  }
}, 'not a regular expression');

export const LoggingConfig = z.strictObject({
  level: key(Level.default('info'), 'Least level that is logged.'),
  file: key(
    LogFile.optional(),
    'A file that receives the log lines (JSON) beside standard output: a path, or `{enabled, path}`.',
    {
      apply: 'restart',
      placeholder: '/var/log/moltbot/gateway.log',
      differs: 'Upstream takes the path only; the object form does not start there.',
    },
  ),
  consoleLevel: inert(Level.optional(), 'Accepted; standard output has the lines of `level`.'),
  consoleStyle: inert(
    z.enum(['pretty', 'compact', 'json']).optional(),
    'Accepted; lines are JSON, which collectors read.',
  ),
  redactSensitive: key(
    z.enum(['off', 'tools']).default('tools'),
    'Secrets and message text never enter a log, whatever it says.',
    {
      differs: 'Upstream redacts tool summaries only.',
    },
  ),
  redactPatterns: key(
    z.array(Pattern).default([]),
    'Further regular expressions whose matches are masked in log lines.',
  ),
});
export type LoggingConfig = z.infer<typeof LoggingConfig>;
