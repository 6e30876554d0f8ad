import { ERRORS, type ErrorCode } from '@moltbot/shared/errors';

/** Whether a code that came from elsewhere (a worker, another service) is one of ours. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);
