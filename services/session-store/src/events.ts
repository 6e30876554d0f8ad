import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { withUser, type Logger } from '@moltbot/shared/telemetry';
import type { ArchivedSession } from './adapters/archive-reader.ts';
import type { SessionHead } from './domain/transcript.ts';

export type StoreEvents = ReturnType<typeof createEvents>;

/** Few values become labels, many values go to the log. No message text anywhere. */
export function createEvents(log: Logger, registry: Registry) {
  const lag = { oldestMs: 0 };
  const metrics = createMetrics(registry, () => lagSeconds(lag.oldestMs));
  return {
    /** Since when the oldest record of our shards waits; undefined when none does. */
    oldestWaits: (sinceMs: number | undefined): void => void (lag.oldestMs = sinceMs ?? 0),
    lagSeconds: (): number => lagSeconds(lag.oldestMs),
    archived: (records: number): void => metrics.records.inc({ result: 'written' }, records),
    notArchived(sid: string, uid: string, records: number, error: unknown): void {
      metrics.records.inc({ result: 'failed' }, records);
      const facts = { event: 'archive.failed', sid, records, err: error };
      log.error(facts, withUser('records not archived, will be tried again', uid));
    },
    recordsMissing(head: SessionHead, fromSeq: number, toSeq: number): void {
      metrics.records.inc({ result: 'missing' }, toSeq - fromSeq + 1);
      const facts = { event: 'archive.missing', sid: head.sid, fromSeq, toSeq };
      log.error(facts, withUser('Redis does not hold records that are not archived', head.uid));
    },
    synced: (seconds: number): void => metrics.fsync.observe(seconds),
    sessionRead({ head, tornSegments, damaged }: ArchivedSession): void {
      metrics.torn.inc(tornSegments);
      if (damaged.length === 0) return;
      metrics.damaged.inc(damaged.length);
      const facts = { event: 'archive.damaged', sid: head.sid, damaged };
      log.error(facts, withUser('lines of the archive are not what was written', head.uid));
    },
    evicted: (): void => metrics.evicted.inc(),
    rehydrated(head: SessionHead, records: number): void {
      metrics.rehydrated.inc({ result: 'done' });
      log.info(
        { event: 'session.rehydrated', sid: head.sid, records },
        withUser('session back in Redis', head.uid),
      );
    },
    notRehydrated(sid: string, error: unknown): void {
      metrics.rehydrated.inc({ result: 'failed' });
      log.error(
        { event: 'session.rehydrate-failed', sid, err: error },
        'session does not come back from the archive',
      );
    },
    putAside: ({ sid, uid }: SessionHead): void =>
      log.info({ event: 'session.put-aside', sid }, withUser('archive of a deleted session put aside', uid)),
    shardsOwned(count: number, stores: number): void {
      metrics.shards.set(count);
      log.info({ event: 'archive.shards', owned: count, stores }, 'shards shared out');
    },
    failed: (error: unknown, what: string): void => log.error({ err: error }, what),
  };
}

function lagSeconds(oldestMs: number): number {
  return oldestMs === 0 ? 0 : Math.max(0, Date.now() - oldestMs) / 1_000;
}

function createMetrics(registry: Registry, lag: () => number) {
  const registers = [registry];
  new Gauge({
    name: 'moltbot_archive_lag_seconds',
    help: 'How long the oldest record of this store’s shards has waited to be on disk.',
    registers,
    // computed when asked: a hung file system stops the archiver, and must not stop this
    collect() {
      this.set(lag());
    },
  });
  return {
    records: new Counter({
      name: 'moltbot_archive_records_total',
      help: 'Records that were to be archived.',
      labelNames: ['result'],
      registers,
    }),
    fsync: new Histogram({
      name: 'moltbot_archive_fsync_seconds',
      help: 'Writing a session’s new records and making them durable.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers,
    }),
    torn: new Counter({
      name: 'moltbot_archive_torn_lines_total',
      help: 'Unfinished last lines that readers left out; what a crash leaves.',
      registers,
    }),
    damaged: new Counter({
      name: 'moltbot_archive_damaged_lines_total',
      help: 'Lines before the last that are not what was written, seen by readers.',
      registers,
    }),
    evicted: new Counter({
      name: 'moltbot_sessions_evicted_total',
      help: 'Idle sessions taken out of Redis.',
      registers,
    }),
    rehydrated: new Counter({
      name: 'moltbot_sessions_rehydrated_total',
      help: 'Sessions that were to come back from the archive.',
      labelNames: ['result'],
      registers,
    }),
    shards: new Gauge({ name: 'moltbot_archive_shards', help: 'Shards this store archives.', registers }),
  };
}
