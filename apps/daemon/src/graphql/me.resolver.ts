import { Field, ObjectType, Query, Resolver } from '@nestjs/graphql';
import type { Role } from '@app/access';
import { Roles } from '../auth/roles.decorator.js';
import { RoleEnum } from './enums.js';
import { type GraphqlContext, principalOf, RequestContext } from './graphql-context.js';

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
