import { Field, ObjectType } from '@nestjs/graphql';
import type { Artifact, ArtifactBinding, ArtifactFile } from '@app/inference';
import { ArtifactBindingEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('ArtifactFile')
class ArtifactFileNode {
  @Field(() => String)
  path!: string;

  @Field(() => String, { description: 'SHA-256, hexadecimal.' })
  sha256!: string;

  @Field(() => BigIntScalar)
  sizeBytes!: bigint;
}

@ObjectType('Artifact', { description: 'A model that is run here, or an endpoint that runs it.' })
export class ArtifactNode {
  @Field(() => String, {
    description: 'SHA-256 of the canonical JSON `{declaration, files}`, hexadecimal.',
  })
  digest!: string;

  @Field(() => String, { description: '`onnx`, `tfjs`, `open-inference` or `openai-completions`.' })
  kind!: string;

  @Field(() => ArtifactBindingEnum)
  binding!: ArtifactBinding;

  @Field(() => String, { description: 'Canonical JSON of everything that was declared.' })
  manifest!: string;

  @Field(() => [ArtifactFileNode], { description: 'In order of their paths; none for an endpoint.' })
  files!: ArtifactFileNode[];

  @Field(() => BigIntScalar, { description: 'Of all files together.' })
  sizeBytes!: bigint;

  @Field(() => DateTime)
  storedAt!: Date;
}

export const toArtifactNode = (artifact: Artifact): ArtifactNode => ({
  digest: artifact.artifactDigest,
  kind: artifact.declaration.kind,
  binding: artifact.binding,
  manifest: artifact.manifest,
  files: artifact.files.map(toFileNode),
  sizeBytes: BigInt(artifact.sizeBytes),
  storedAt: artifact.storedAt,
});

const toFileNode = ({ path, sha256, sizeBytes }: ArtifactFile): ArtifactFileNode => ({
  path,
  sha256,
  sizeBytes: BigInt(sizeBytes),
});
