/** Models: the lineages everything else belongs to. Proven by test/medium/registry.spec.ts. */
import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { z } from 'zod';
import { RegistryError } from './errors.js';
import { found, idempotencyKey, isUuid, name, parseActor, parseInput, signalKind } from './input.js';
import { type Model, ModelRepository } from './model.repository.js';
import type { Page, PageRequest } from './page.js';
import { violates } from './unique-violation.js';

const modelInput = z.strictObject({ name, signalKind, idempotencyKey });
export type ModelInput = z.input<typeof modelInput>;

@Injectable()
export class ModelService {
  /** Ids of registered models; a model is never removed. */
  private readonly seen = new Set<string>();

  constructor(
    private readonly models: ModelRepository,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Registers a model and makes its commitment log in the same transaction.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NAME_TAKEN; LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async register(input: ModelInput, actor: string): Promise<Model> {
    parseActor(actor);
    const { idempotencyKey: key, ...content } = parseInput(modelInput, input);
    const modelId = randomUUID();
    const registeredAt = this.clock();
    try {
      const stored = await this.ledger.append({
        idempotency: { scope: 'model', key, content },
        createLogFor: modelId,
        events: [
          {
            type: 'model-registered',
            subjectId: modelId,
            content: { modelId, ...content, registeredAt: registeredAt.toISOString() },
          },
        ],
        write: async (tx, placed) => {
          await this.models.insert(tx, {
            modelId,
            ...content,
            registeredAt,
            eventIndex: placed.eventIndexes[0]!,
          });
          return { modelId };
        },
      });
      return await this.get(stored.modelId);
    } catch (error) {
      if (!violates(error, 'model_name_key')) throw error;
      throw new RegistryError('REGISTRY_NAME_TAKEN', 'another model has this name', { cause: error });
    }
  }

  /** @throws RegistryError REGISTRY_NOT_FOUND */
  async get(modelId: string): Promise<Model> {
    const [model] = isUuid(modelId) ? await this.models.find([modelId]) : [];
    return found(model, 'model');
  }

  /** Does nothing where all of them are registered. @throws RegistryError REGISTRY_NOT_FOUND */
  async demand(modelIds: readonly string[]): Promise<void> {
    const asked = modelIds.filter((modelId) => !this.seen.has(modelId));
    if (asked.length === 0) return;
    const models = await this.getMany(asked);
    for (const { modelId } of models) this.seen.add(modelId);
    found(models.length === asked.length ? models : undefined, 'model');
  }

  /** Those of `modelIds` that exist, in no particular order. */
  getMany(modelIds: readonly string[]): Promise<readonly Model[]> {
    return this.models.find(modelIds.filter(isUuid));
  }

  /** The model with this name, or null. */
  async findByName(modelName: string): Promise<Model | null> {
    return (await this.models.findByName(modelName)) ?? null;
  }

  /** In the order of registration. */
  list(request: PageRequest): Promise<Page<Model>> {
    return this.models.list(request);
  }
}
