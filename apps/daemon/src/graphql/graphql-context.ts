import { Context } from '@nestjs/graphql';
import type { Access } from '../auth/access-of.js';
import { requireRole } from '../auth/access-of.js';
import { type Principal, ROLES } from '@app/access';
import type { Loaders } from './loaders.js';

/** One per request. */
export interface GraphqlContext {
  readonly access: Access;
  readonly correlationId: string;
  /** Reads of the same request, joined into one query each. */
  readonly loaders: Loaders;
}

/** The caller of a field that only callers with a role reach. */
export function principalOf(context: GraphqlContext): Principal {
  return requireRole(context.access, ROLES);
}

/** Injects the {@link GraphqlContext} into a resolver. */
export const RequestContext = (): ParameterDecorator => Context();
