/** SQL of the table `reference`. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Queryable, type Tables, type Tx } from '@app/persistence';
import type { Selectable } from 'kysely';
import { fromHex, toHex } from './digest-hex.js';
import { byEvent } from './event-order.js';
import { fetchPage, type Page, type PageRequest } from './page.js';
import { RECORDED_RUNTIME } from './runtime-name.js';

/** original: the model before unlearning (IN). shadow: a model never trained on the samples (OUT). */
export type ReferenceRole = 'original' | 'shadow';

export interface Reference {
  readonly referenceId: string;
  readonly modelId: string;
  readonly role: ReferenceRole;
  readonly name: string;
  /** SHA-256 of the artifact, lowercase hex; where only signals are given, of the first recording. */
  readonly artifactDigest: string;
  /** How its signals come about: `recorded`. */
  readonly runtime: string;
  readonly registeredAt: Date;
  readonly eventIndex: bigint;
}

@Injectable()
export class ReferenceRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async insert(tx: Tx, reference: Reference): Promise<void> {
    await tx
      .insertInto('reference')
      .values({
        reference_id: reference.referenceId,
        model_id: reference.modelId,
        role: reference.role,
        name: reference.name,
        artifact_digest: fromHex(reference.artifactDigest),
        runtime: reference.runtime,
        registered_at: reference.registeredAt,
        event_index: reference.eventIndex,
      })
      .execute();
  }

  async find(referenceIds: readonly string[]): Promise<Reference[]> {
    if (referenceIds.length === 0) return [];
    const query = this.db.selectFrom('reference').selectAll();
    const rows = await query.where('reference_id', 'in', [...referenceIds]).execute();
    return rows.map(toReference);
  }

  async findByName(modelId: string, name: string): Promise<Reference | undefined> {
    const query = this.db.selectFrom('reference').selectAll().where('model_id', '=', modelId);
    const row = await query.where('name', '=', name).executeTakeFirst();
    return row && toReference(row);
  }

  /** Whether a reference of the model is run here. */
  async anyLive(on: Queryable, modelId: string): Promise<boolean> {
    const row = await on
      .selectFrom('reference')
      .select('reference_id')
      .where('model_id', '=', modelId)
      .where('runtime', '!=', RECORDED_RUNTIME)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  list(modelId: string | null, request: PageRequest): Promise<Page<Reference>> {
    const all = this.db.selectFrom('reference').selectAll();
    const query = modelId === null ? all : all.where('model_id', '=', modelId);
    return fetchPage(query, byEvent<Reference>('reference'), request, toReference);
  }
}

function toReference(row: Selectable<Tables['reference']>): Reference {
  return {
    referenceId: row.reference_id,
    modelId: row.model_id,
    role: row.role,
    name: row.name,
    artifactDigest: toHex(row.artifact_digest),
    runtime: row.runtime,
    registeredAt: row.registered_at,
    eventIndex: row.event_index,
  };
}
