/** Who may read what. Every root field and every nested field that shows more than its parent names one of these. */
import type { Role } from '@app/access';
import { Roles } from '../../auth/roles.decorator.js';

/** Registrations, verifications and attestations: facts without persons or samples. */
const EVERY_ROLE: readonly [Role, ...Role[]] = ['platform', 'auditor', 'operator'];
/** Subjects, sample ids and what was found for each: not for whoever only runs the service. */
const PERSONAL: readonly [Role, ...Role[]] = ['platform', 'auditor'];

export const ReadByAll = (): MethodDecorator => Roles(...EVERY_ROLE);
export const ReadPersonal = (): MethodDecorator => Roles(...PERSONAL);
