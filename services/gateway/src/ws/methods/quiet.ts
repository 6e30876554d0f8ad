import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';
import type { Needed } from '../../domain/scopes.ts';
import { method, type Method, type Methods } from '../method.ts';

const Any = z.looseObject({});

/** Well-formed and empty: clients ask for these on connect and show a banner when one is refused. */
const answer = (payload: (now: number) => unknown, needs: Needed = 'operator.read'): Method =>
  method(needs, Any, () => payload(Date.now()));

/** Known to upstream, not served by a gateway that runs no tenant code and no messaging channel. */
const absent = (needs: Needed, what: string): Method =>
  method(needs, Any, () => {
    throw new AppError('NOT_SERVED', `${what} is not part of this product`);
  });

const CHANNELS = {
  channelOrder: [],
  channelLabels: {},
  channelDetailLabels: {},
  channelSystemImages: {},
  channelMeta: [], // an array: upstream's Control UI calls find on it
  channels: {},
  channelAccounts: {},
  channelDefaultAccountId: {},
};

const served: Methods = {
  'channels.status': answer((ts) => ({ ts, ...CHANNELS })),
  'skills.status': answer(() => ({ workspaceDir: '', managedSkillsDir: '', skills: [] })),
  'skills.bins': answer(() => ({ bins: [] }), 'node'),
  'cron.list': answer(() => ({ jobs: [] })),
  'cron.status': answer(() => ({ enabled: false, storePath: '', jobs: 0, nextWakeAtMs: null })),
  'cron.runs': answer(() => ({ entries: [] })),
  'node.list': answer((ts) => ({ ts, nodes: [] })),
  'node.pair.list': answer(() => ({ pending: [], paired: [] })),
  'device.pair.list': answer(() => ({ pending: [], paired: [] })),
  'last-heartbeat': answer(() => null),
  'set-heartbeats': answer(() => ({ ok: true, enabled: false }), 'operator.admin'),
  wake: answer(() => ({ ok: true }), 'operator.write'),
  'system-event': answer(() => ({ ok: true }), 'operator.write'),
  'voicewake.get': answer(() => ({ triggers: [] })),
  'voicewake.set': answer(() => ({ triggers: [] }), 'operator.write'),
  'tts.status': answer(() => ({
    enabled: false,
    auto: 'off',
    provider: null,
    fallbackProvider: null,
    fallbackProviders: [],
    prefsPath: '',
    hasOpenAIKey: false,
    hasElevenLabsKey: false,
    edgeEnabled: false,
  })),
  'tts.providers': answer(() => ({ providers: [], active: null })),
  'tts.enable': absent('operator.write', 'speech'),
  'tts.disable': answer(() => ({ enabled: false }), 'operator.write'),
  'tts.convert': absent('operator.write', 'speech'),
  'tts.setProvider': absent('operator.write', 'speech'),
  'talk.mode': answer((ts) => ({ enabled: false, phase: null, ts }), 'operator.write'),
  'exec.approvals.get': answer(
    () => ({ path: '', exists: false, hash: '', file: { version: 1, socket: {}, defaults: {}, agents: {} } }),
    'operator.admin',
  ),
  'sessions.usage': answer((updatedAt) => ({ updatedAt, sessions: [] })),
};

const missing: Readonly<Record<string, readonly string[]>> = {
  'a messaging channel': ['send', 'channels.logout'],
  'node pairing': [
    'node.pair.request',
    'node.pair.approve',
    'node.pair.reject',
    'node.pair.verify',
    'node.rename',
    'node.describe',
    'node.invoke',
    'device.pair.approve',
    'device.pair.reject',
    'device.token.rotate',
    'device.token.revoke',
  ],
  'local execution': [
    'exec.approvals.set',
    'exec.approvals.node.get',
    'exec.approvals.node.set',
    'exec.approval.request',
    'exec.approval.resolve',
    'skills.install',
    'skills.update',
  ],
  'scheduled jobs': ['cron.add', 'cron.update', 'cron.remove', 'cron.run'],
  'the set-up wizard': ['wizard.start', 'wizard.next', 'wizard.cancel', 'wizard.status', 'update.run'],
};

const pairing = (name: string): Needed => {
  if (name.startsWith('node.pair') || name.startsWith('device') || name === 'node.rename')
    return 'operator.pairing';
  if (name.startsWith('exec.approval.')) return 'operator.approvals';
  if (name === 'node.describe') return 'operator.read';
  return name === 'send' || name === 'node.invoke' ? 'operator.write' : 'operator.admin';
};

const refused = Object.entries(missing).flatMap(([what, names]) =>
  names.map((name) => [name, absent(pairing(name), what)] as const),
);

export const quietMethods: Methods = {
  ...served,
  ...Object.fromEntries(refused),
  'node.invoke.result': answer(() => ({ ok: true }), 'node'),
  'node.event': answer(() => ({ ok: true }), 'node'),
};
