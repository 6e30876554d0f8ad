import { chmod, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DoctorFinding, DoctorPage, DoctorPageRequest } from '@moltbot/shared/contracts';
import { namesIn, type ArchiveReader } from './archive-reader.ts';
import { isSessionId, userDir } from './paths.ts';
import { placeName, walkPage } from './walk.ts';

export type FileDoctor = Readonly<{ page(asked: DoctorPageRequest): Promise<DoctorPage> }>;

export type FileDoctorDeps = Readonly<{ root: string; reader: ArchiveReader; now(): number }>;

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** A line that is being written this moment is no torn one. */
const AT_REST_MS = 10_000;
const NEWLINE = 10;

type Kind = 'open' | 'closed' | 'refused' | 'torn';
type Seen = Map<Kind, { count: number; example: string }>;

/** Rights and torn ends of what lies in the archive, also of what was deleted; never what a line says. */
export function createFileDoctor({ root, reader, now }: FileDoctorDeps): FileDoctor {
  return {
    async page({ after = '', fix = false }) {
      const seen: Seen = new Map();
      let checked = 0;
      if (after === '') await checkMode(root, '', DIRECTORY_MODE, fix, seen);
      let lastUid = after.split('/')[0] ?? '';
      const counts = (name: string): boolean => isSessionId(name.split('.')[0] ?? '');
      const next = await walkPage({ root, reader, after, counts }, async (place) => {
        await reader.ask(async () => {
          if (place.uid !== lastUid) await checkMode(root, place.uid, DIRECTORY_MODE, fix, seen);
          lastUid = place.uid;
          checked += await checkSession(root, placeName(place), { fix, seen, nowMs: now() });
        });
      });
      return { checked, findings: findingsOf(seen), ...(next !== undefined && { next }) };
    },
  };
}

type Look = Readonly<{ fix: boolean; seen: Seen; nowMs: number }>;

async function checkSession(root: string, name: string, { fix, seen, nowMs }: Look): Promise<number> {
  const [uid = '', directory = ''] = name.split('/');
  const dir = join(userDir(root, uid), directory);
  await checkMode(root, name, DIRECTORY_MODE, fix, seen);
  const files = (await namesIn(dir)).filter((file) => file.endsWith('.jsonl'));
  for (const file of files) {
    const path = `${name}/${file}`;
    await checkMode(root, path, FILE_MODE, fix, seen);
    if (await endsTorn(join(root, path), nowMs)) note(seen, 'torn', path);
  }
  return files.length;
}

async function checkMode(
  root: string,
  name: string,
  wanted: number,
  fix: boolean,
  seen: Seen,
): Promise<void> {
  const path = join(root, name);
  const mode = await stat(path).then(
    (found) => found.mode & 0o7777,
    () => wanted, // put aside meanwhile
  );
  if (mode === wanted) return;
  const said = `${name === '' ? root : name} (${mode.toString(8)})`;
  if (!fix) return note(seen, 'open', said);
  const done = await chmod(path, wanted).then(
    () => true,
    () => false,
  );
  note(seen, done ? 'closed' : 'refused', said);
}

async function endsTorn(path: string, nowMs: number): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (!handle) return false;
  try {
    const { size, mtimeMs } = await handle.stat();
    if (size === 0 || nowMs - mtimeMs < AT_REST_MS) return false;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] !== NEWLINE;
  } finally {
    await handle.close();
  }
}

function note(seen: Seen, kind: Kind, example: string): void {
  const known = seen.get(kind) ?? { count: 0, example };
  known.count += 1;
  seen.set(kind, known);
}

const WORDS: Readonly<Record<Kind, Pick<DoctorFinding, 'level' | 'text' | 'nextStep'>>> = {
  open: {
    level: 'warning',
    text: 'files and directories of the archive with other rights than 600 and 700',
    nextStep: 'repair with `moltbot doctor --fix`',
  },
  closed: { level: 'fixed', text: 'files and directories of the archive, rights set to 600 and 700' },
  refused: {
    level: 'problem',
    text: 'files and directories of the archive with other rights than 600 and 700, which session-store may not change',
    nextStep: 'give them to the user of session-store (chown)',
  },
  torn: {
    level: 'ok',
    text: 'segments that end in half a line, as a crash leaves them (sealed; nothing to repair)',
  },
};

function findingsOf(seen: Seen): DoctorFinding[] {
  return [...seen].map(([kind, found]) => ({ ...WORDS[kind], ...found }));
}
