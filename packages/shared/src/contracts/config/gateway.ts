import { z } from 'zod';
import { inert, key } from './key.ts';
import { PositiveInt, Unread } from './scalars.ts';

const secret = (help: string, placeholder: string) =>
  key(z.string().optional(), help, { sensitive: true, placeholder });

const flag = (initial: boolean, help: string, hint: Parameters<typeof key>[2] = {}) =>
  key(z.boolean().default(initial), help, hint);

export const GatewayAuthConfig = z.strictObject({
  mode: key(
    z.enum(['token', 'password']).optional(),
    'How the shared credential is presented. Unset: `password` when one is set, else `token`.',
  ),
  token: secret(
    'Bootstrap and service credential with admin scopes, at least 32 characters. Unset: `CLAWDBOT_GATEWAY_TOKEN` or `MOLTBOT_GATEWAY_TOKEN`. People sign in with OIDC or personal tokens instead.',
    '${CLAWDBOT_GATEWAY_TOKEN}',
  ),
  previousToken: key(
    z.string().optional(),
    'The token before the current one, still accepted while clients are moved over. Remove it to end the overlap.',
    {
      sensitive: true,
      placeholder: '${CLAWDBOT_GATEWAY_TOKEN_PREVIOUS}',
      differs: 'Not in upstream: rotation there cuts every client off at once.',
    },
  ),
  password: secret(
    'Shared password for `mode: "password"`; clients send it as the bearer.',
    '${CLAWDBOT_GATEWAY_PASSWORD}',
  ),
  allowTailscale: inert(z.boolean().optional(), 'Accepted; a proxy header alone never signs anyone in here.'),
});

const ResponsesEndpoint = z.strictObject({
  enabled: flag(true, 'Serve `POST /v1/responses`.', {
    differs:
      'Upstream: off. Every call needs a personal token here, so there is nothing to protect by hiding it.',
  }),
  maxBodyBytes: key(PositiveInt.default(20_971_520), 'Largest request body in bytes.'),
  files: Unread,
  images: Unread,
});

const HttpConfig = z.strictObject({
  endpoints: z
    .strictObject({
      chatCompletions: z
        .strictObject({
          enabled: flag(true, 'Serve `POST /v1/chat/completions`.', {
            differs:
              'Upstream: off. Every call needs a personal token here, so there is nothing to protect by hiding it.',
          }),
        })
        .prefault({}),
      responses: ResponsesEndpoint.prefault({}),
    })
    .prefault({}),
});

const ControlUiConfig = z.strictObject({
  enabled: flag(true, 'Serve the web pages on the gateway port.'),
  basePath: inert(
    z.string().optional(),
    'Accepted; the pages are served at the root of the gateway’s own host name.',
  ),
  allowInsecureAuth: flag(false, 'Let the upstream Control UI sign in over plain HTTP from another host.', {
    advanced: true,
  }),
  dangerouslyDisableDeviceAuth: inert(
    z.boolean().optional(),
    'Accepted; the user token is the trust here, devices are never paired.',
  ),
});

const TlsConfig = z.strictObject({
  enabled: flag(false, 'Serve TLS on the gateway port itself, without a proxy in front.', {
    apply: 'restart',
  }),
  certPath: key(z.string().optional(), 'PEM certificate chain.', {
    apply: 'restart',
    placeholder: '/etc/moltbot/tls.crt',
  }),
  keyPath: key(z.string().optional(), 'PEM private key.', {
    apply: 'restart',
    placeholder: '/etc/moltbot/tls.key',
  }),
  caPath: inert(z.string().optional()),
  autoGenerate: inert(z.boolean().optional(), 'Accepted; certificates come from files or the proxy.'),
});

/** Read by the `moltbot` command: where it connects when no `--url` is given. */
const RemoteConfig = z.strictObject({
  url: key(z.string().optional(), 'Gateway the `moltbot` command talks to.', {
    placeholder: 'wss://moltbot.company.com',
  }),
  token: secret('Token the `moltbot` command sends.', '${MOLTBOT_TOKEN}'),
  password: secret('Password the `moltbot` command sends.', '${MOLTBOT_PASSWORD}'),
  transport: inert(z.enum(['ssh', 'direct']).optional()),
  tlsFingerprint: inert(z.string().optional()),
  sshTarget: inert(z.string().optional()),
  sshIdentity: inert(z.string().optional()),
});

const ReloadConfig = z.strictObject({
  mode: inert(
    z.enum(['off', 'restart', 'hot', 'hybrid']).optional(),
    'Accepted; changes are always applied live and never restart the gateway.',
  ),
  debounceMs: key(
    z.int().min(0).default(300),
    'Quiet time after a change of the file before it is read, in ms.',
    { advanced: true },
  ),
});

export const GatewayConfig = z.strictObject({
  port: key(z.int().min(1).max(65_535).default(18_789), 'Port of HTTP and WebSocket.', { apply: 'restart' }),
  mode: key(
    z.enum(['local', 'remote']).default('local'),
    '`remote` makes the `moltbot` command use `gateway.remote`.',
    {
      differs: 'Upstream refuses to start while it is unset; here it is `local`.',
    },
  ),
  bind: key(
    z.enum(['auto', 'lan', 'loopback', 'custom', 'tailnet']).default('auto'),
    'Interface to listen on. `loopback` is 127.0.0.1, `lan` every interface, `auto` every interface inside Kubernetes and loopback elsewhere, `custom` the address in `customBindHost`.',
    {
      apply: 'restart',
      differs: 'Upstream: `loopback`. A pod that listens on loopback cannot be reached by its probes.',
    },
  ),
  customBindHost: key(z.string().optional(), 'Address for `bind: "custom"`.', {
    apply: 'restart',
    placeholder: '10.0.0.12',
  }),
  auth: GatewayAuthConfig.prefault({}),
  trustedProxies: key(
    z.array(z.string()).default([]),
    'Addresses or CIDR ranges whose `X-Forwarded-For` and `X-Real-IP` are believed.',
    { placeholder: '10.0.0.0/8' },
  ),
  http: HttpConfig.prefault({}),
  controlUi: ControlUiConfig.prefault({}),
  tls: TlsConfig.prefault({}),
  remote: RemoteConfig.prefault({}),
  reload: ReloadConfig.prefault({}),
  tailscale: Unread,
  nodes: Unread,
});
export type GatewayConfig = z.infer<typeof GatewayConfig>;
