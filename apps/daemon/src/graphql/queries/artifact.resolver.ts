import { Args, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ArtifactStore } from '@app/inference';
import { RECORDED_RUNTIME } from '@app/registry';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { ArtifactNode, toArtifactNode } from '../nodes/artifact.node.js';
import { ReferenceNode } from '../nodes/reference.node.js';
import { ReleaseNode } from '../nodes/release.node.js';
import { ReadByAll } from './read-roles.js';

const DESCRIPTION = 'What is run here; null where signals were recorded elsewhere.';

@Resolver(() => ArtifactNode)
export class ArtifactResolver {
  constructor(private readonly artifacts: ArtifactStore) {}

  @Query(() => ArtifactNode, { nullable: true })
  @ReadByAll()
  async artifact(@Args('digest', { type: () => String }) digest: string): Promise<ArtifactNode> {
    return toArtifactNode(await this.artifacts.get(digest));
  }
}

@Resolver(() => ReleaseNode)
export class ArtifactOfReleaseResolver {
  @ResolveField(() => ArtifactNode, { nullable: true, description: DESCRIPTION })
  artifact(@Parent() release: ReleaseNode, @RequestContext() context: GraphqlContext) {
    return artifactOf(release, context);
  }
}

@Resolver(() => ReferenceNode)
export class ArtifactOfReferenceResolver {
  @ResolveField(() => ArtifactNode, { nullable: true, description: DESCRIPTION })
  artifact(@Parent() reference: ReferenceNode, @RequestContext() context: GraphqlContext) {
    return artifactOf(reference, context);
  }
}

/** A recorded release may name the digest of a model that is stored as well: that one was not run here. */
async function artifactOf(
  { runtime, artifactDigest }: Pick<ReleaseNode, 'runtime' | 'artifactDigest'>,
  { loaders }: GraphqlContext,
): Promise<ArtifactNode | null> {
  const artifact = runtime === RECORDED_RUNTIME ? undefined : await loaders.artifacts.load(artifactDigest);
  return artifact ? toArtifactNode(artifact) : null;
}
