import { ERRORS, type AppError } from './catalogue.ts';

/** The body of an HTTP refusal, in the shape the openai SDK reads. */
export function toHttpError(error: AppError): {
  status: number;
  body: { error: { message: string; type: string; code: string } };
} {
  const { http, type } = ERRORS[error.code];
  return { status: http, body: { error: { message: error.message, type, code: error.code.toLowerCase() } } };
}
