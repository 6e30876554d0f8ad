import type { MoltbotConfig } from '@moltbot/shared/contracts';
import type { ModelCatalogue } from '@moltbot/config';
import type { Lifecycle } from '@moltbot/shared/runtime';
import type { UsageRow } from '@moltbot/turns';
import type { ConfigStore } from './adapters/config-store.ts';
import type { InternalClient } from './adapters/internal-client.ts';
import type { LogPage } from './adapters/log-file.ts';
import type { ResponseNotes } from './adapters/response-notes.ts';
import type { Runs } from './adapters/runs.ts';
import type { SessionDesk } from './adapters/session-desk.ts';
import type { Desk, Hub } from './domain/ports.ts';
import type { Verdict } from './domain/principal.ts';
import type { KeyRules } from './domain/session-key.ts';

/** What the doors (HTTP and WebSocket) can ask for; put together in backend.ts. */
export type Services = Readonly<{
  desk: Desk;
  hub: Hub;
  sessions: SessionDesk;
  runs: Runs;
  responses: ResponseNotes;
  store: ConfigStore;
  config: () => MoltbotConfig;
  rules: () => KeyRules;
  catalogue: () => ModelCatalogue;
  /** undefined where no auth service is configured. */
  auth: InternalClient | undefined;
  tailLog(options: Readonly<{ cursor?: number | undefined; limit: number; maxBytes: number }>): LogPage;
  /** One user's usage by UTC day; everybody's for the principal of an operator asking for all. */
  usage(userId: string, days: readonly string[]): Promise<{ day: string; rows: UsageRow[] }[]>;
  lifecycle: Lifecycle;
  host: Readonly<{ name: string; version: string; stateDir: string; pid: number }>;
  verify: (token: string) => Promise<Verdict>;
}>;
