import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';

const ajv = new Ajv({ allErrors: true, strict: false, removeAdditional: false });
const compiled = new WeakMap<z.ZodType, ValidateFunction>();

/** Compiled on first use: most connections call a handful of methods. */
function validator(schema: z.ZodType): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  const made = ajv.compile(
    z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' }),
  );
  compiled.set(schema, made);
  return made;
}

/** Checks with the same library as upstream, because clients and scripts search for its texts. */
export function faultsOf(schema: z.ZodType, value: unknown): string | undefined {
  const validate = validator(schema);
  if (validate(value)) return undefined;
  return [...new Set((validate.errors ?? []).map(describe))].join('; ');
}

/** The parsed params of a method, or `invalid <method> params: <faults>`. An absent value counts as `{}`. */
export function parseParams<T extends z.ZodType>(method: string, schema: T, params: unknown): z.output<T> {
  const value = params ?? {};
  const faults = faultsOf(schema, value);
  if (faults !== undefined) throw new AppError('INVALID_REQUEST', `invalid ${method} params: ${faults}`);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const rest = parsed.error.issues.map(
    (issue) => `at ${issue.path.length === 0 ? 'root' : `/${issue.path.join('/')}`}: ${issue.message}`,
  );
  throw new AppError('INVALID_REQUEST', `invalid ${method} params: ${rest.join('; ')}`);
}

function describe(error: ErrorObject): string {
  const where = error.instancePath === '' ? 'root' : error.instancePath;
  if (error.keyword === 'additionalProperties')
    return `at ${where}: unexpected property '${String(error.params['additionalProperty'])}'`;
  if (error.keyword === 'required' && where === 'root') return String(error.message);
  return `at ${where}: ${error.message ?? 'is invalid'}`;
}
