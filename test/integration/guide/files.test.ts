/** The guide's files: their modes, its chmod lines, its backup, and a restore from ours. */
import { mkdir, readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT, startGuideServer, type GuideServer } from './server.ts';

/** As printed in the guide. */
const BACKUP = `BACKUP_DIR="/backup/moltbot/$(date +%Y%m%d)"
mkdir -p "$BACKUP_DIR"

# 备份配置
cp /etc/moltbot/moltbot.json "$BACKUP_DIR/"
cp /etc/moltbot/environment "$BACKUP_DIR/"

# 备份会话
tar -czf "$BACKUP_DIR/sessions.tar.gz" /var/lib/moltbot/sessions/

# 备份凭证
tar -czf "$BACKUP_DIR/credentials.tar.gz" /var/lib/moltbot/credentials/

# 清理 30 天前的备份
find /backup/moltbot -type d -mtime +30 -exec rm -rf {} \\;`;
const CHMOD = [
  'chmod 600 /etc/moltbot/environment',
  'chmod 640 /etc/moltbot/moltbot.json',
  'chmod 700 /var/lib/moltbot',
  'chmod 700 /var/lib/moltbot/sessions',
];
/** For the guide's `chmod 600 /var/lib/moltbot/sessions/*.jsonl`: each person has a folder, and each session. */
const CORRECTED = [
  'find /var/lib/moltbot/sessions -type d -exec chmod 700 {} +',
  'find /var/lib/moltbot/sessions -type f -exec chmod 600 {} +',
];
const DAY_MS = 86_400_000;

let server: GuideServer;
let alice: string;
beforeAll(async () => {
  server = await startGuideServer();
  alice = (await server.says('moltbot tokens create --user alice --expires-in-days 90')).trim();
  await server.says(`moltbot agent --token ${alice} --message "#echo to be remembered"`);
});
afterAll(() => server[Symbol.asyncDispose]());

const sessions = (): string => server.place('/var/lib/moltbot/sessions');
async function sessionFiles(): Promise<string[]> {
  const entries = await readdir(sessions(), { recursive: true });
  return entries.filter((name) => name.endsWith('.jsonl')).map((name) => join(sessions(), name));
}
const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test('G-12: the archive is closed to everybody else from the first byte', async () => {
  await expect.poll(sessionFiles, { timeout: 5_000 }).toHaveLength(1);
  const [file = ''] = await sessionFiles();
  expect(file).toMatch(/\/sessions\/alice\/[0-9a-f-]{36}\/\d+\.jsonl$/);
  const folders = [join(file, '..'), join(file, '../..'), sessions(), join(sessions(), '../credentials')];
  for (const folder of [...folders, join(sessions(), '..')]) expect(await mode(folder), folder).toBe('700');
  expect(await mode(file)).toBe('600');
});

test('G-12: the chmod lines of the guide work, the one for *.jsonl in its corrected form', async () => {
  for (const command of [...CHMOD, ...CORRECTED]) await server.says(command);
  expect((await server.run('chmod 600 /var/lib/moltbot/sessions/*.jsonl')).code).toBe(1); // as printed
  expect(await server.says('moltbot agent --message "#echo still writing"')).toBe('still writing\n');
});

test('G-12: loosened modes are found by the audit and repaired by doctor --fix', async () => {
  const [file = ''] = await sessionFiles();
  await server.says(`chmod 644 ${file} && chmod 644 /etc/moltbot/environment`);
  const audit = 'moltbot security audit --fail-on warn';
  expect((await server.run(audit)).code).toBe(1);
  expect(await server.says('moltbot doctor --fix')).toMatch(/fixed.*environment has mode 644: now 600/);
  expect(await mode(file)).toBe('600');
  expect((await server.run(audit)).code).toBe(0);
});

test('G-12: the backup of the guide works as printed, and holds the sessions', async () => {
  await server.says(BACKUP);
  const listed = await server.says('tar -tzf /backup/moltbot/*/sessions.tar.gz');
  expect(listed).toMatch(/sessions\/alice\/[0-9a-f-]{36}\/\d+\.jsonl/);
  await server.says('rm -r /backup/moltbot');
});

test('G-12: our backup brings back people, tokens and conversations on an empty server', async () => {
  const script = server.place(await readFile(join(ROOT, 'docs/operate/backup-moltbot.sh'), 'utf8'));
  const old = server.place('/backup/moltbot/20200101');
  await mkdir(old, { recursive: true });
  await utimes(old, new Date(), new Date(Date.now() - 31 * DAY_MS));
  await server.says(script);
  await expect(stat(old)).rejects.toThrow('ENOENT');
  const from = (await server.says('echo /backup/moltbot/*')).trim();
  expect(await mode(from)).toBe('700');

  await using restored = await startGuideServer(undefined, {}, async (place) => {
    for (const name of ['redis', 'sessions', 'credentials'])
      await server.says(`tar -xzf ${from}/${name}.tar.gz -C ${place('/var/lib/moltbot')}`);
  });

  const asked = `moltbot gateway call chat.history --token ${alice} --params '{"sessionKey":"main"}'`;
  expect(await restored.says(asked)).toContain('to be remembered');
});

test('G-12: a rotated log file is followed by a new one', async () => {
  await server.says('mv /var/log/moltbot/gateway.log /var/log/moltbot/gateway.log.1');
  const next = async (): Promise<string> => {
    await server.says('moltbot health');
    return server.log().catch(() => ''); // not there yet
  };
  await expect.poll(next, { timeout: 15_000 }).toContain('connected user:gateway');
  expect(await mode(server.place('/var/log/moltbot/gateway.log'))).toBe('640');
});
