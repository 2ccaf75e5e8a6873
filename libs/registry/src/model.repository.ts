/** SQL of the table `model`. */
import { Inject, Injectable } from '@nestjs/common';
import type { SignalKind } from '@app/inference';
import { type Database, DATABASE, type Tables, type Tx } from '@app/persistence';
import type { Selectable } from 'kysely';
import { byEvent } from './event-order.js';
import { fetchPage, type Page, type PageRequest } from './page.js';

/** A lineage of releases; all of its signals are of one kind. */
export interface Model {
  readonly modelId: string;
  readonly name: string;
  readonly signalKind: SignalKind;
  readonly registeredAt: Date;
  readonly eventIndex: bigint;
}

@Injectable()
export class ModelRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async insert(tx: Tx, model: Model): Promise<void> {
    await tx
      .insertInto('model')
      .values({
        model_id: model.modelId,
        name: model.name,
        signal_kind: model.signalKind,
        registered_at: model.registeredAt,
        event_index: model.eventIndex,
      })
      .execute();
  }

  async find(modelIds: readonly string[]): Promise<Model[]> {
    if (modelIds.length === 0) return [];
    const query = this.db.selectFrom('model').selectAll();
    const rows = await query.where('model_id', 'in', [...modelIds]).execute();
    return rows.map(toModel);
  }

  async findByName(name: string): Promise<Model | undefined> {
    const row = await this.db.selectFrom('model').selectAll().where('name', '=', name).executeTakeFirst();
    return row && toModel(row);
  }

  list(request: PageRequest): Promise<Page<Model>> {
    return fetchPage(this.db.selectFrom('model').selectAll(), byEvent<Model>('model'), request, toModel);
  }
}

function toModel(row: Selectable<Tables['model']>): Model {
  return {
    modelId: row.model_id,
    name: row.name,
    signalKind: row.signal_kind,
    registeredAt: row.registered_at,
    eventIndex: row.event_index,
  };
}
