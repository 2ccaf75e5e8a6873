import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { SignedCheckpoint } from '@app/ledger';
import { connectionTypeOf } from '../connection.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Checkpoint', { description: 'A signed C2SP checkpoint.' })
export class CheckpointNode {
  @Field(() => String)
  origin!: string;

  @Field(() => BigIntScalar)
  treeSize!: bigint;

  @Field(() => String, { description: 'Hexadecimal; base64 in the note.' })
  rootHash!: string;

  @Field(() => String, { description: 'The signed note itself.' })
  note!: string;

  @Field(() => DateTime)
  signedAt!: Date;
}

@ObjectType('InclusionProof', { description: 'That a tree holds a leaf (RFC 6962), leaf side first.' })
export class InclusionProofNode {
  @Field(() => BigIntScalar)
  leafIndex!: bigint;

  @Field(() => BigIntScalar)
  treeSize!: bigint;

  @Field(() => [String], { description: 'Hexadecimal.' })
  hashes!: string[];

  @Field(() => CheckpointNode, {
    nullable: true,
    description: 'Null: no checkpoint was signed at this size.',
  })
  checkpoint!: CheckpointNode | null;
}

@ObjectType('ConsistencyProof', { description: 'That a larger tree extends a smaller one (RFC 6962).' })
export class ConsistencyProofNode {
  @Field(() => BigIntScalar)
  fromSize!: bigint;

  @Field(() => BigIntScalar)
  toSize!: bigint;

  @Field(() => [String], { description: 'Hexadecimal.' })
  hashes!: string[];
}

@ObjectType('Log', {
  description: 'One Merkle log: the commitments of one model, or the events of the ledger.',
})
export class LogNode {
  logId!: number;

  @Field(() => String)
  origin!: string;

  @Field(() => String, { description: '`commitments` or `events`.' })
  kind!: string;

  modelId!: string | null;
}

@ObjectType('Event', { description: 'One leaf of the event log with its opening.' })
export class EventNode {
  @Field(() => BigIntScalar)
  leafIndex!: bigint;

  @Field(() => String)
  type!: string;

  @Field(() => ID)
  subjectId!: string;

  @Field(() => String, { description: 'Canonical JSON; with the salt it opens the leaf.' })
  content!: string;

  @Field(() => String, { description: 'Hexadecimal.' })
  salt!: string;
}

export const EventConnection = connectionTypeOf(EventNode, 'Event');

export const toCheckpointNode = (checkpoint: SignedCheckpoint): CheckpointNode => ({
  origin: checkpoint.origin,
  treeSize: checkpoint.treeSize,
  rootHash: hex(checkpoint.rootHash),
  note: checkpoint.note,
  signedAt: checkpoint.signedAt,
});

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
