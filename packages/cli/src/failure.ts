import { RequestError } from '@moltbot/client';

/** Ends the command: exit code 1, the message and what to do next on standard error. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly nextStep: string | undefined;

  constructor(message: string, nextStep?: string, options?: ErrorOptions) {
    super(message, options);
    this.nextStep = nextStep;
  }
}

/** The command has already said everything; only the exit code is left. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

type Where = Readonly<{ url: string; tokenSource: string; knownMethods?: readonly string[] | undefined }>;

/**
 * What to do about an error, by its words. The words are the protocol's own (clients and
 * scripts look for them) or those of Node's network errors; the first match counts.
 */
const CATCH: readonly (readonly [pattern: RegExp, nextStep: (where: Where, message: string) => string])[] = [
  [
    /ECONNREFUSED/,
    ({ url }) =>
      `nothing listens on ${url}: start the gateway (\`moltbot gateway run\`, or \`systemctl start moltbot-gateway\`), or name another with --url or MOLTBOT_GATEWAY_URL`,
  ],
  [
    /ENOTFOUND|EAI_AGAIN/,
    ({ url }) => `the host of ${url} is not known here: check --url or MOLTBOT_GATEWAY_URL`,
  ],
  [
    /certificate|self-signed|CERT_/i,
    () =>
      'the certificate is not trusted here: set NODE_EXTRA_CA_CERTS=/path/to/ca.pem to the CA that signed it',
  ],
  [
    /Unexpected server response/,
    ({ url }) =>
      `${url} answers HTTP but no WebSocket: check the path, and that the proxy passes the Upgrade header`,
  ],
  [
    /gateway token missing|device identity required|password missing/,
    () => 'give a token: --token or MOLTBOT_GATEWAY_TOKEN',
  ],
  [
    /unauthorized|token mismatch|password mismatch|token (expired|revoked)/,
    ({ tokenSource }) =>
      `the token from ${tokenSource} is not valid here: give another with --token or MOLTBOT_GATEWAY_TOKEN; an administrator makes one with \`moltbot tokens create --user <id>\``,
  ],
  [
    /missing scope: (\S+)/,
    ({ tokenSource }, message) =>
      `the user of the token from ${tokenSource} lacks ${/missing scope: (\S+)/.exec(message)?.[1] ?? 'a scope'}: use a token of somebody who has it`,
  ],
  [/unknown method/, ({ knownMethods }, message) => otherMethods(message, knownMethods)],
  [
    /protocol mismatch/,
    () => 'this command and the gateway are of incompatible versions: update the older one',
  ],
  [
    /timeout|no answer within/,
    ({ url }) => `${url} is reachable but slow: try again with a longer --timeout, and see \`moltbot logs\``,
  ],
  [
    /config (changed since last load|base hash required)/,
    () => 'read it again with `moltbot gateway call config.get` and use its hash',
  ],
];

/** Adds the next step to what the gateway or the network said. */
export function withNextStep(error: unknown, where: Where): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const known = CATCH.find(([pattern]) => pattern.test(message));
  const retry =
    error instanceof RequestError && error.retryable ? 'it may be over soon: try again' : undefined;
  return new Failure(message, known ? known[1](where, message) : retry, { cause: error });
}

/** A typing error is likely: methods of the same family come first. */
function otherMethods(message: string, known: readonly string[] = []): string {
  const asked = /unknown method:? "?([\w.-]+)/.exec(message)?.[1] ?? '';
  const family = asked.split('.')[0] ?? '';
  const near = known.filter((method) => method.startsWith(family) && family !== '').slice(0, 6);
  if (near.length > 0) return `did you mean ${near.join(', ')}?`;
  return known.length > 0
    ? `this gateway knows: ${known.join(', ')}`
    : 'the gateway is older than this command: update it';
}
