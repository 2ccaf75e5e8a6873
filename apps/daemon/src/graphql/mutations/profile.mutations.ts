import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { type FreezeProfile, ProfileService } from '@app/verification';
import { Roles } from '../../auth/roles.decorator.js';
import { DaemonError } from '../../errors.js';
import { type GraphqlContext, principalOf, RequestContext } from '../graphql-context.js';
import { requireId } from '../ids.js';
import { ProfileNode, toProfileNode } from '../nodes/profile.node.js';
import { FreezeProfileInput } from './inputs.js';

@Resolver()
export class ProfileMutations {
  constructor(private readonly profiles: ProfileService) {}

  @Mutation(() => ProfileNode, { description: 'Releases that waited for a profile are verified now.' })
  @Roles('platform')
  async freezeProfile(
    @Args('input') input: FreezeProfileInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ProfileNode> {
    const { profileId } = await this.profiles.freeze(toFreeze(input), principalOf(context).subject);
    return toProfileNode(await this.profiles.get(profileId));
  }
}

function toFreeze(input: FreezeProfileInput): FreezeProfile {
  const {
    modelId,
    calibrationSetId,
    controlsSetId,
    shadowReferenceIds,
    mode,
    likelihood,
    groupTest,
    ...numbers
  } = input;
  return {
    ...withoutNulls(numbers),
    idempotencyKey: input.idempotencyKey,
    modelId: requireId(modelId, 'model'),
    calibrationSetId: requireId(calibrationSetId, 'sample set'),
    controlsSetId: requireId(controlsSetId, 'sample set'),
    ...(shadowReferenceIds
      ? { shadowReferenceIds: shadowReferenceIds.map((id) => requireId(id, 'reference')) }
      : {}),
    ...(mode ? { mode: oneOf('mode', mode, ['online', 'offline'] as const) } : {}),
    ...(groupTest ? { groupTest: oneOf('groupTest', groupTest, GROUP_TESTS) } : {}),
    ...(likelihood ? { likelihood: oneOf('likelihood', likelihood, LIKELIHOODS) } : {}),
  };
}

const GROUP_TESTS = ['single-samples', 'whole-clusters', 'any-dependence'] as const;

type Given<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** GraphQL says null where nothing is given; the libs say nothing. */
function withoutNulls<T extends object>(input: T): Given<T> {
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== null && value !== undefined),
  ) as Given<T>;
}

const LIKELIHOODS = ['gumbel', 'norm'] as const satisfies readonly FreezeProfile['likelihood'][];

function oneOf<const V extends string>(argument: string, value: string, allowed: readonly V[]): V {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new DaemonError('GRAPHQL_INPUT_INVALID', `${argument} must be ${allowed.join(' or ')}`, {
    details: { argument },
  });
}
