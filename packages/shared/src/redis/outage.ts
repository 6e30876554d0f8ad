import { ReplyError } from 'ioredis';

/** What the client says of a connection that is gone, not there yet, or silent. */
const NO_ANSWER =
  /^(?:Connection is closed|Command aborted|Stream isn't writeable|Command timed out|Socket timeout|(?:connect|read|write) E)/;
/** What a server says that takes no writes now: starting, demoted, full, or without its replicas. */
const NOT_NOW = /^(?:LOADING|READONLY|NOREPLICAS|MASTERDOWN|OOM|BUSY)\b/;

/** Whether Redis could not be asked, as against having refused what was asked. What became of the command is unknown. */
export function isRedisOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof ReplyError) return NOT_NOW.test((error as Error).message);
  return error.name === 'MaxRetriesPerRequestError' || NO_ANSWER.test(error.message);
}
