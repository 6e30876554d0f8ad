export const SEVERITIES = ['critical', 'warn', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

export type Finding = Readonly<{
  checkId: string;
  severity: Severity;
  title: string;
  detail: string;
  remediation?: string;
}>;

export function summarize(findings: readonly Finding[]): Record<Severity, number> {
  const of = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return { critical: of('critical'), warn: of('warn'), info: of('info') };
}

export const bySeverity = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
