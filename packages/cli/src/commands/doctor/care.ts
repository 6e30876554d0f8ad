import type { DoctorFinding, DoctorPage } from '@moltbot/shared/contracts';
import { Failure } from '../../failure.ts';
import { type ConnectOptions, connectGateway } from '../../target/gateway.ts';
import type { Terminal } from '../../terminal.ts';
import { eachPage } from '../archive/pages.ts';
import { type Check, ok, problem } from './check.ts';

const METHOD = 'doctor.check';

/** Redis, the ledger and the archive of a running installation; nothing for who may not ask. */
export async function checkInstallation(
  terminal: Terminal,
  options: ConnectOptions,
  { fix }: Readonly<{ fix: boolean }>,
): Promise<Check[]> {
  using gateway = await connectGateway(terminal, options).catch((error: unknown) => {
    if (error instanceof Failure) return undefined; // reported with the gateway's own checks
    throw error;
  });
  if (!gateway?.has(METHOD)) return [];
  const sums = new Map<string, DoctorFinding>();
  let checked = 0;
  const ending = await eachPage<DoctorPage>(gateway, METHOD, { fix }, (page) => {
    checked += page.checked;
    for (const finding of page.findings) add(sums, finding);
  }).then(() => ok(`${checked} sessions and files looked at`), toProblem);
  return [...[...sums.values()].map(toCheck), ...(ending ? [ending] : [])];
}

/** undefined for who may not ask. */
function toProblem(error: unknown): Check | undefined {
  if (!(error instanceof Failure)) throw error;
  return error.message.includes('missing scope') ? undefined : problem(error.message, error.nextStep);
}

function add(sums: Map<string, DoctorFinding>, finding: DoctorFinding): void {
  const name = `${finding.level} ${finding.text}`;
  const known = sums.get(name);
  sums.set(name, known ? { ...known, count: known.count + finding.count } : finding);
}

function toCheck({ level, text, count, example, nextStep }: DoctorFinding): Check {
  const one = example === undefined ? '' : count > 1 ? `, such as ${example}` : `, ${example}`;
  return {
    level,
    text: count === 0 ? text : `${text}: ${count}${one}`,
    ...(nextStep !== undefined && { nextStep }),
  };
}
