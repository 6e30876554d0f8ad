/**
 * Log lines for a client: everybody's for an operator, else those that name the user. Upstream's
 * viewers read `0`, `time` and `_meta`; ours are added beside what the line holds.
 */
export function visibleLines(lines: readonly string[], onlyUser: string | undefined): string[] {
  const mine =
    onlyUser === undefined
      ? lines
      : lines.filter((line) => line.includes(`user:${onlyUser}"`) || line.includes(`user:${onlyUser} `));
  return mine.map(dress);
}

function dress(line: string): string {
  try {
    const parsed = JSON.parse(line) as Record<string, unknown>;
    const { msg = '', level = 'info', time } = parsed as { msg?: string; level?: string; time?: string };
    return JSON.stringify({
      '0': msg,
      ...parsed,
      message: msg,
      _meta: { logLevelName: String(level).toUpperCase(), date: time, name: parsed['service'] },
    });
  } catch {
    return line;
  }
}
