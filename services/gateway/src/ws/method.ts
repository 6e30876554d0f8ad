import type { z } from 'zod';
import type { ErrorShape, Scope } from '@moltbot/shared/contracts';
import type { Principal } from '../domain/principal.ts';
import type { Needed } from '../domain/scopes.ts';
import type { Services } from '../services.ts';
import type { Connection, Peer } from './connection.ts';
import type { Fanout } from './fanout.ts';
import type { AwaitRun } from './intake.ts';

export type MethodContext = Readonly<{
  principal: Principal;
  scopes: readonly Scope[];
  peer: Peer;
  connection: Connection;
  requestId: string;
  services: Services;
  fanout: Fanout;
  /** An answer before the last one, as `agent` gives. */
  respondFirst(payload: unknown): void;
  awaitRun: AwaitRun;
}>;

/** `ok: false` with a payload beside the error, as some methods answer. */
export class RefusedWith {
  readonly error: ErrorShape;
  readonly payload: unknown;

  constructor(error: ErrorShape, payload: unknown) {
    this.error = error;
    this.payload = payload;
  }
}

export type Method = Readonly<{
  needs: Needed;
  params: z.ZodType;
  run(params: never, context: MethodContext): unknown;
}>;

export type Methods = Readonly<Record<string, Method>>;

/** One row of the method table: who may call it, what it takes, what it does. */
export function method<P extends z.ZodType>(
  needs: Needed,
  params: P,
  run: (params: z.output<P>, context: MethodContext) => unknown,
): Method {
  return { needs, params, run };
}
