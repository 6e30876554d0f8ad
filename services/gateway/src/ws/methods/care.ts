import { DoctorPageRequest, RestorePageRequest, VerifyPageRequest } from '@moltbot/shared/contracts';
import { method, type Methods } from '../method.ts';

/** Checks and repairs over everybody's sessions; for administrators, one page a call. */
export const careMethods: Methods = {
  'archive.verify': method(
    'operator.admin',
    VerifyPageRequest,
    async (params, { services }) => await services.care.verify(params),
  ),
  'archive.restore': method(
    'operator.admin',
    RestorePageRequest,
    async (params, { services }) => await services.care.restore(params),
  ),
  'doctor.check': method(
    'operator.admin',
    DoctorPageRequest,
    async (params, { services }) => await services.care.check(params),
  ),
};
