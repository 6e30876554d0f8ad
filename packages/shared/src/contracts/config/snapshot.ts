import type { MoltbotConfig } from './moltbot-config.ts';

/** Plain JSON as people write it: unvalidated, unsubstituted. */
export type ConfigTree = { readonly [key: string]: unknown };

export type ConfigIssue = Readonly<{ path: string; message: string }>;

/** What `config.get` answers and what every service starts from. */
export type ConfigSnapshot = Readonly<{
  path: string;
  exists: boolean;
  /** The file's text; null when there is none. */
  raw: string | null;
  /** After JSON5 and `$include`, before `${ENV}`. */
  parsed: ConfigTree;
  valid: boolean;
  /** Substituted and defaulted; nothing but the defaults while `valid` is false. */
  config: MoltbotConfig;
  /** Hex SHA-256 of the file's bytes. */
  hash: string;
  issues: readonly ConfigIssue[];
  warnings: readonly ConfigIssue[];
  legacyIssues: readonly ConfigIssue[];
}>;
