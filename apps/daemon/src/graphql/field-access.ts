/**
 * Keeps every field that declares roles to callers who have one. Each field of Query and Mutation must declare; nested
 * fields may, where they show more than their parents' readers may see. Proven, against
 * the whole schema, by test/medium/daemon-roles.spec.ts.
 */
import { defaultFieldResolver, type GraphQLField, type GraphQLSchema, isObjectType } from 'graphql';
import type { Role } from '@app/access';
import { invariant } from '@app/errors';
import { requireRole } from '../auth/access-of.js';
import { ROLES_KEY } from '../auth/roles.decorator.js';
import type { GraphqlContext } from './graphql-context.js';

type Field = GraphQLField<unknown, GraphqlContext>;

/** The roles a field declares, or undefined. */
export function rolesOf(field: {
  readonly extensions: Readonly<Record<string, unknown>>;
}): readonly Role[] | undefined {
  return field.extensions[ROLES_KEY] as readonly Role[] | undefined;
}

/** `schema`, its declaring fields' resolvers wrapped. A root field that declares nothing stops the start. */
export function guardFields(schema: GraphQLSchema): GraphQLSchema {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields()) as Field[]) {
      const roles = rolesOf(field);
      invariant(
        (roles && roles.length > 0) || !roots.includes(type),
        `the field ${type.name}.${field.name} declares who may use it`,
      );
      if (roles) guard(field, roles);
    }
  }
  return schema;
}

function guard(field: Field, roles: readonly Role[]): void {
  const { subscribe } = field;
  if (subscribe) {
    field.subscribe = (source, args, context, info) => {
      requireRole(context.access, roles);
      return subscribe(source, args, context, info);
    };
  }
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, args, context, info) => {
    requireRole(context.access, roles);
    return resolve(source, args, context, info);
  };
}
