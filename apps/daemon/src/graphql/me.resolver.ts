import { Field, ObjectType, Query, registerEnumType, Resolver } from '@nestjs/graphql';
import { ROLES, type Role } from '@app/access';
import { Roles } from '../auth/roles.decorator.js';
import { type GraphqlContext, principalOf, RequestContext } from './graphql-context.js';

/** GraphQL enums are objects of name to value. */
const RoleEnum = Object.fromEntries(ROLES.map((role) => [role, role])) as { readonly [R in Role]: R };
registerEnumType(RoleEnum, { name: 'Role', description: 'What a caller may do; see the README.' });

@ObjectType({ description: 'The caller, as the token says.' })
export class Me {
  @Field(() => String)
  subject!: string;

  @Field(() => [RoleEnum])
  roles!: Role[];
}

@Resolver(() => Me)
export class MeResolver {
  @Query(() => Me)
  @Roles('platform', 'auditor', 'operator')
  me(@RequestContext() context: GraphqlContext): Me {
    const { subject, roles } = principalOf(context);
    return { subject, roles: [...roles] };
  }
}
