import { z } from 'zod';
import { FaultScript } from '../domain/faults.ts';
import { invalid } from '../domain/refusal.ts';
import { sendJson } from './body.ts';
import type { Call } from './context.ts';

/** `script()` for tests and drills that run the demo model as a process of its own. */
export async function postScript({ res, body, model }: Call): Promise<void> {
  const parsed = FaultScript.safeParse(body);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  model.faults.load(parsed.data);
  sendJson(res, 200, JSON.stringify({ pending: parsed.data.length }));
}

export async function getRequests({ res, model }: Call): Promise<void> {
  sendJson(res, 200, JSON.stringify(model.recorder.list()));
}

export async function deleteRequests({ res, model }: Call): Promise<void> {
  model.recorder.clear();
  sendJson(res, 200, '{}');
}
