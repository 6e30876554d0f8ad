import type { z } from 'zod';
import { MoltbotConfig, type ConfigIssue } from '@moltbot/shared/contracts';
import { formatConfigPath } from './path.ts';
import { knownNamesAt } from './schema-tree.ts';

type Issue = z.core.$ZodIssue;

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of a.split('').entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split('').entries()) {
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (char === other ? 0 : 1)),
      );
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const allowed = name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 4));
  return known
    .map((candidate) => ({ candidate, cost: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ cost }) => cost <= allowed)
    .toSorted((a, b) => a.cost - b.cost)[0]?.candidate;
}

function unknownKey(path: readonly PropertyKey[], name: string): ConfigIssue {
  const guess = nearest(name, knownNamesAt(path.map(String)));
  const hint = guess === undefined ? '' : `; did you mean "${guess}"?`;
  return { path: formatConfigPath([...path, name]), message: `Unrecognized key: "${name}"${hint}` };
}

/** The branch that came furthest tells what is wrong; the others only say that it is another type. */
function closestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code !== 'invalid_type'),
  );
}

function describe(issue: Issue, above: readonly PropertyKey[] = []): ConfigIssue[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownKey(path, name));
  if (issue.code === 'invalid_union') {
    const branch = closestBranch(issue.errors);
    if (branch) return branch.flatMap((inner) => describe(inner, path));
  }
  return [{ path: formatConfigPath(path), message: issue.message }];
}

export type Validation = Readonly<{ config: MoltbotConfig; issues: readonly ConfigIssue[] }>;

/** The defaulted configuration, or the bare defaults beside the faults. */
export function validateConfig(tree: unknown): Validation {
  const parsed = MoltbotConfig.safeParse(tree);
  if (parsed.success) return { config: parsed.data, issues: [] };
  return { config: MoltbotConfig.parse({}), issues: parsed.error.issues.flatMap((issue) => describe(issue)) };
}
