/** How fields and routes say who may use them; one that says nothing keeps the daemon from starting. */
import { applyDecorators, SetMetadata } from '@nestjs/common';
import { Extensions } from '@nestjs/graphql';
import type { Role } from '@app/access';

/** Metadata key on controllers' handlers and member of GraphQL fields' extensions. */
export const ROLES_KEY = 'lacuna:roles';
/** Declared by a route that everybody may use. */
export const EVERYBODY = 'everybody';

export type RoleDeclaration = readonly Role[] | typeof EVERYBODY;

/** Usable by callers that have at least one of `roles`. */
export function Roles(...roles: readonly [Role, ...Role[]]): MethodDecorator {
  return applyDecorators(SetMetadata(ROLES_KEY, roles), Extensions({ [ROLES_KEY]: roles }));
}

/** Usable without a token. Routes only: no field of the schema is. */
export function Everybody(): MethodDecorator {
  return SetMetadata(ROLES_KEY, EVERYBODY);
}
