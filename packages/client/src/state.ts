/**
 * `connecting` a socket is being opened or shaking hands · `open` requests go through ·
 * `waiting` lost, coming back at `retryAtMs` · `closed` for good, `reason` says why.
 */
export type ClientState = Readonly<{
  status: 'connecting' | 'open' | 'waiting' | 'closed';
  /** Failed attempts since the connection was last open. */
  attempt: number;
  reason?: string;
  /** WebSocket close code that led here. */
  closeCode?: number;
  /** Code of the server's error when the handshake was refused. */
  errorCode?: string;
  retryAtMs?: number;
}>;

/** Why a socket is gone. `terminal` means that coming back would only be refused again. */
export type Ending = Readonly<{
  code: number;
  reason: string;
  errorCode?: string;
  terminal: boolean;
  /** When the server that refused wants to be asked again. */
  retryAfterMs?: number;
}>;

const CLOSE = { protocolError: 1002, unsupportedData: 1003, policy: 1008, tickTimeout: 4000 } as const;
const TERMINAL: ReadonlySet<number> = new Set([
  CLOSE.protocolError,
  CLOSE.unsupportedData,
  CLOSE.policy,
  4401,
  4403,
]);

export const TICK_TIMEOUT_CODE = CLOSE.tickTimeout;

/**
 * Whether a close code forbids coming back.
 *
 * @NOTE a server of an earlier release says `slow consumer` with 1008, today's with 1013: it
 * dropped us for reading too slowly, not for who we are.
 */
export function isTerminalClose(code: number, reason: string): boolean {
  return TERMINAL.has(code) && !(code === CLOSE.policy && reason.includes('slow consumer'));
}
