import { z } from 'zod';
import { plainPreview } from './plain-preview.ts';

/** What we read of one entry of `sessions.list`; servers send much more. */
const Row = z.looseObject({
  key: z.string(),
  label: z.string().nullish(),
  derivedTitle: z.string().nullish(),
  lastMessagePreview: z.string().nullish(),
  updatedAt: z.number().nullish(),
  model: z.string().nullish(),
  modelProvider: z.string().nullish(),
});
export const SessionsListed = z.looseObject({
  sessions: z.array(Row),
  defaults: z.looseObject({ model: z.string().nullish(), modelProvider: z.string().nullish() }).nullish(),
});

export type ModelRef = Readonly<{ provider: string | undefined; id: string | undefined }>;
export type SessionRow = Readonly<{
  key: string;
  title: string | undefined;
  preview: string | undefined;
  updatedAtMs: number;
  model: ModelRef;
}>;

export function toRow(raw: z.infer<typeof Row>): SessionRow {
  return {
    key: raw.key,
    title: raw.label ?? raw.derivedTitle ?? undefined,
    preview: plainPreview(raw.lastMessagePreview ?? '') || undefined,
    updatedAtMs: raw.updatedAt ?? 0,
    model: { provider: raw.modelProvider ?? undefined, id: raw.model ?? undefined },
  };
}

export const DAY_GROUPS = ['today', 'yesterday', 'week', 'older'] as const;
export type DayGroup = (typeof DAY_GROUPS)[number];

const DAY_MS = 86_400_000;

/** By calendar day where the person is, not by hours passed. */
export function dayGroup(atMs: number, nowMs: number): DayGroup {
  const midnightMs = new Date(nowMs).setHours(0, 0, 0, 0);
  if (atMs >= midnightMs) return 'today';
  if (atMs >= midnightMs - DAY_MS) return 'yesterday';
  return atMs >= midnightMs - 7 * DAY_MS ? 'week' : 'older';
}
