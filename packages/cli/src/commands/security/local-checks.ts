import { findLooseModes, type LooseMode, octal } from '../../files/permissions.ts';
import type { Env } from '../../target/environment.ts';
import { localText, readLocalConfig } from '../../target/local-config.ts';
import type { Target } from '../../target/target.ts';
import type { Finding } from './finding.ts';

const MIN_TOKEN_LENGTH = 32;
const PERSONAL_PREFIX = 'mbt_';
const SECRET_KEYS = ['gateway.auth.token', 'gateway.auth.password', 'gateway.auth.previousToken'];
/** Words of the guides' examples, and one letter many times. */
const PLACEHOLDER = /your-|secure-token|change-?me|example|placeholder|^(.)\1+$/i;

/** What the machine this command runs on shows by itself. */
export async function checkLocally(target: Target, env: Env): Promise<Finding[]> {
  const { loose } = await findLooseModes(env);
  return [
    ...checkToken(target),
    ...checkTransport(target),
    ...checkLiteralSecrets(env),
    ...loose.map(describeMode),
  ];
}

/** A personal token is made by the server and always long; the gateway token is made by people. */
function checkToken({ token, tokenSource }: Target): Finding[] {
  if (token === '' || token.startsWith(PERSONAL_PREFIX)) return [];
  if (PLACEHOLDER.test(token)) {
    return [
      {
        checkId: 'gateway.token_placeholder',
        severity: 'critical',
        title: 'The gateway token is an example',
        detail: `The token from ${tokenSource} looks like one that was copied from a guide.`,
        remediation: 'make one with `openssl rand -hex 32` and set CLAWDBOT_GATEWAY_TOKEN',
      },
    ];
  }
  if (token.length >= MIN_TOKEN_LENGTH) return [];
  return [
    {
      checkId: 'gateway.token_too_short',
      severity: 'warn',
      title: 'The gateway token is short',
      detail: `The token from ${tokenSource} has ${token.length} characters; it should have ${MIN_TOKEN_LENGTH} or more.`,
      remediation: 'make one with `openssl rand -hex 32` and set CLAWDBOT_GATEWAY_TOKEN',
    },
  ];
}

function checkTransport({ url, urlSource }: Target): Finding[] {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'wss:' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) return [];
  return [
    {
      checkId: 'client.plaintext_url',
      severity: 'warn',
      title: 'This command reaches the gateway in clear',
      detail: `${url} (${urlSource}) is no wss:// address: the token can be read on the way.`,
      remediation: 'use the wss:// address of the HTTPS proxy',
    },
  ];
}

/** Read with no environment at all: what is still a value then, stands in the file. */
function checkLiteralSecrets(env: Env): Finding[] {
  const config = readLocalConfig(env);
  const literal = SECRET_KEYS.filter((key) => localText(config, key, {}) !== undefined);
  if (!config || literal.length === 0) return [];
  return [
    {
      checkId: 'config.secrets_in_file',
      severity: 'warn',
      title: 'Secrets stand in the configuration file',
      detail: `${literal.join(', ')} in ${config.path} hold the secret itself.`,
      remediation: 'write ${CLAWDBOT_GATEWAY_TOKEN} there and set the variable in the environment file',
    },
  ];
}

function describeMode({ path, what, kind, mode, wanted, worldReadable }: LooseMode): Finding {
  return {
    checkId: `fs.${what.replaceAll(' ', '_')}.perms`,
    severity: worldReadable ? 'critical' : 'warn',
    title: `The ${what} ${worldReadable ? 'can be read by everybody' : 'is open to more than its owner'}`,
    detail: `${path} (${kind}) has mode ${octal(mode)}.`,
    remediation: `chmod ${octal(mode & wanted)} ${path}, or moltbot doctor --fix`,
  };
}
