import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import type { Attestation } from '@app/verification';
import { connectionTypeOf } from '../connection.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Attestation', {
  description: 'The signed statement about one verification; anyone can check it offline.',
})
export class AttestationNode {
  @Field(() => ID)
  id!: string;

  modelId!: string;
  verificationId!: string;

  @Field(() => Int, { description: '0 for the model’s first.' })
  ordinal!: number;

  @Field(() => String, { description: 'SHA-256 of the JWS, hexadecimal.' })
  digest!: string;

  @Field(() => String, { nullable: true, description: 'Digest of the model’s attestation before this one.' })
  previousDigest!: string | null;

  @Field(() => DateTime)
  issuedAt!: Date;

  @Field(() => DateTime)
  expiresAt!: Date;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;

  @Field(() => String, { description: 'Compact JWS over the in-toto statement.' })
  jws!: string;

  @Field(() => String, { description: 'DSSE envelope over the same statement, as JSON.' })
  dsse!: string;
}

export const AttestationConnection = connectionTypeOf(AttestationNode, 'Attestation');

export const toAttestationNode = (attestation: Attestation): AttestationNode => ({
  ...attestation,
  id: attestation.attestationId,
});
