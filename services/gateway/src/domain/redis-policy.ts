import type { DoctorFinding } from '@moltbot/shared/contracts';

/** What Redis says of itself (INFO) that decides whether an accepted message outlives it. A managed one may not tell. */
export function redisFindings(info: string, replicasWanted: number): DoctorFinding[] {
  const policy = field(info, 'maxmemory_policy');
  const replicas = field(info, 'connected_slaves');
  const findings: DoctorFinding[] = [];
  if (policy !== undefined && policy !== 'noeviction')
    findings.push({
      level: 'problem',
      text: `Redis has maxmemory-policy ${policy}: messages could be evicted`,
      count: 0,
      nextStep: 'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf',
    });
  if (field(info, 'aof_enabled') === '0')
    findings.push({
      level: 'warning',
      text: 'Redis writes no append-only file: what is not archived is lost when it restarts',
      count: 0,
      nextStep: 'CONFIG SET appendonly yes, and the same in redis.conf',
    });
  const held = field(info, 'min_slaves_good_slaves'); // there only where min-replicas-to-write is in force
  if (replicasWanted > 0 && held === undefined)
    findings.push({
      level: 'problem',
      text: 'Redis takes writes that no replica holds: a primary that is cut off would lose them',
      count: 0,
      nextStep: `CONFIG SET min-replicas-to-write ${replicasWanted} on every server, and the same in redis.conf`,
    });
  if (held !== undefined && Number(held) < replicasWanted)
    findings.push({
      level: 'problem',
      text: `${held} of ${replicasWanted} replicas of Redis answer: messages are refused`,
      count: 0,
      nextStep: 'start the replicas',
    });
  if (findings.length > 0) return findings;
  return [{ level: 'ok', text: `Redis evicts nothing, replicas: ${replicas ?? 'unknown'}`, count: 0 }];
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}
