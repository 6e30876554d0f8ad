import { z } from 'zod';

/**
 * zod compiles schemas with `new Function` where it may. Under our content security
 * policy it may not, and the mere try is reported as a violation on every load.
 *
 * @NOTE must be the first import: the choice is made when a schema is defined.
 */
z.config({ jitless: true });
