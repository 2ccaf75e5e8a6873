/** Owns `attestation`: signed statements, each chained to the model's previous one. */
import { DATABASE, type Database, type Queryable, type Tables, type Tx } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'kysely';

export interface Attestation {
  readonly attestationId: string;
  readonly verificationId: string;
  readonly modelId: string;
  /** 0 for the model's first. */
  readonly ordinal: number;
  /** Compact JWS. */
  readonly jws: string;
  /** DSSE envelope over the same statement, JSON text. */
  readonly dsse: string;
  /** SHA-256 of {@link jws}, hexadecimal. */
  readonly digest: string;
  readonly previousDigest: string | null;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /** Leaf index in the event log. */
  readonly eventIndex: bigint;
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

@Injectable()
export class AttestationRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async find(attestationId: string): Promise<Attestation | undefined> {
    return first(this.db.selectFrom('attestation').where('attestation_id', '=', attestationId));
  }

  async ofVerification(verificationId: string, db: Queryable = this.db): Promise<Attestation | undefined> {
    return first(db.selectFrom('attestation').where('verification_id', '=', verificationId));
  }

  /** The model's newest attestation. */
  async latest(modelId: string, db: Queryable = this.db): Promise<Attestation | undefined> {
    return first(
      db.selectFrom('attestation').where('model_id', '=', modelId).orderBy('ordinal', 'desc').limit(1),
    );
  }

  /** The newest attestation of any release of the model that covers the first `minimumSize` commitments. */
  async latestCovering(
    modelId: string,
    minimumSize: bigint,
    releaseId?: string,
  ): Promise<Attestation | undefined> {
    let query = this.db
      .selectFrom('attestation')
      .where('model_id', '=', modelId)
      .where('verification_id', 'in', (covering) => {
        const sized = covering
          .selectFrom('verification')
          .select('verification.verification_id')
          .where('tree_size', '>=', minimumSize);
        return releaseId ? sized.where('release_id', '=', releaseId) : sized;
      });
    query = query.orderBy('ordinal', 'desc').limit(1);
    return first(query);
  }

  /** In order of issue, behind the event index `after`. */
  async list(
    filter: { readonly modelId?: string | undefined },
    after: bigint | null,
    limit: number,
  ): Promise<Attestation[]> {
    let query = this.db.selectFrom('attestation').selectAll();
    if (filter.modelId) query = query.where('model_id', '=', filter.modelId);
    if (after !== null) query = query.where('event_index', '>', after);
    return (await query.orderBy('event_index').limit(limit).execute()).map(fromRow);
  }

  async insert(tx: Tx, attestation: Attestation): Promise<void> {
    await tx
      .insertInto('attestation')
      .values({
        attestation_id: attestation.attestationId,
        verification_id: attestation.verificationId,
        model_id: attestation.modelId,
        ordinal: attestation.ordinal,
        jws: attestation.jws,
        dsse: attestation.dsse,
        digest: bytes(attestation.digest),
        previous_digest: attestation.previousDigest === null ? null : bytes(attestation.previousDigest),
        issued_at: attestation.issuedAt,
        expires_at: attestation.expiresAt,
        event_index: attestation.eventIndex,
      })
      .execute();
  }
}

/** The first row, if any. */
async function first(
  query: SelectQueryBuilder<Tables, 'attestation', object>,
): Promise<Attestation | undefined> {
  const row = await query.selectAll().executeTakeFirst();
  return row && fromRow(row);
}

interface Row {
  attestation_id: string;
  verification_id: string;
  model_id: string;
  ordinal: number;
  jws: string;
  dsse: string;
  digest: Uint8Array;
  previous_digest: Uint8Array | null;
  issued_at: Date;
  expires_at: Date;
  event_index: bigint;
}

function fromRow(row: Row): Attestation {
  return {
    attestationId: row.attestation_id,
    verificationId: row.verification_id,
    modelId: row.model_id,
    ordinal: row.ordinal,
    jws: row.jws,
    dsse: row.dsse,
    digest: hex(row.digest),
    previousDigest: row.previous_digest && hex(row.previous_digest),
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    eventIndex: row.event_index,
  };
}
