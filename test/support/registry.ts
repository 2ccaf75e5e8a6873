/** The registry as an application assembles it, over a test's own database; and small things to register. */
import { ConfigModule, loadConfig } from '@app/config';
import { ArtifactStore, RecordingService, type SignalKind } from '@app/inference';
import { type Clock, LedgerModule, LedgerService } from '@app/ledger';
import { DatabaseModule } from '@app/process';
import { Queue, QueueModule } from '@app/queue';
import {
  ArtifactRecordingService,
  DeletionRequestImportService,
  DeletionRequestService,
  ErasureService,
  type Model,
  ModelService,
  ReferenceService,
  RegistryModule,
  ReleaseService,
  ReleaseStandingService,
  SampleService,
  SampleSetService,
} from '@app/registry';
import { VaultModule, VaultService } from '@app/vault';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TEST_LEDGER } from './ledger.js';
import type { TestDatabase } from './test-database.js';
import { testVaultKeyFile } from './vault.js';

export const PLATFORM = 'platform:test';

export interface RegistryBench {
  /** Whatever else the application holds. */
  readonly app: INestApplicationContext;
  readonly recordings: RecordingService;
  readonly models: ModelService;
  readonly references: ReferenceService;
  readonly sets: SampleSetService;
  readonly requests: DeletionRequestService;
  readonly erasures: ErasureService;
  readonly imports: DeletionRequestImportService;
  readonly releases: ReleaseService;
  readonly standings: ReleaseStandingService;
  readonly artifacts: ArtifactRecordingService;
  readonly ledger: LedgerService;
  readonly vault: VaultService;
  readonly samples: SampleService;
  readonly store: ArtifactStore;
  /** A fresh name or idempotency key. */
  readonly unique: (prefix: string) => string;
  /** Stores one row a line: ids with values, or ids alone (value 1). */
  readonly record: (
    rows: readonly string[] | ReadonlyMap<string, number>,
    signalKind?: SignalKind,
  ) => Promise<{ recordingId: string; digest: string }>;
  readonly model: (signalKind?: SignalKind) => Promise<Model>;
  /** A model whose original reference introduced `sampleIds`. */
  readonly modelKnowing: (sampleIds: readonly string[]) => Promise<Model>;
  readonly close: () => Promise<void>;
}

/** Row counts of all tables that a registration writes to: equal before and after whatever was refused. */
export async function rowCounts({ admin }: TestDatabase): Promise<Readonly<Record<string, number>>> {
  const tables = [
    ...['entry', 'event', 'commitment', 'idempotency_key', 'log', 'model', 'reference', 'release'],
    ...['release_withdrawal', 'release_supersession'],
    ...['artifact_recording', 'sample_set', 'sample_set_member', 'deletion_request', 'recording'],
    ...['recorded_signal', 'commitment_opening', 'request_subject', 'erasure', 'erased_signals'],
  ];
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const [row] = await admin.unsafe<{ n: number }[]>(`select count(*)::int as n from lacuna.${table}`);
    counts[table] = row!.n;
  }
  const [jobs] = await admin.unsafe<{ n: number }[]>(
    `select count(*)::int as n from pgboss.job where name like 'verification.%'`,
  );
  return { ...counts, jobs: jobs!.n };
}

export async function* bytesOf(...pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(Buffer.from(piece));
}

const isList = (rows: readonly string[] | ReadonlyMap<string, number>): rows is readonly string[] =>
  Array.isArray(rows);

@Module({})
class RegistryBenchModule {}

export async function openRegistry(
  database: Pick<TestDatabase, 'address'>,
  clock: Clock = () => new Date(),
): Promise<RegistryBench> {
  const app = await NestFactory.createApplicationContext(
    {
      module: RegistryBenchModule,
      imports: [
        ConfigModule.forRoot(loadConfig({ LACUNA_UPLOAD_MAX_BYTES: '100000000' })),
        DatabaseModule.forRoot(database.address, { name: 'registry-test', poolSize: 10 }),
        LedgerModule.forReaders({ ledgerName: TEST_LEDGER, clock }),
        QueueModule.forRoot({ onFailure: () => undefined }),
        VaultModule.forRoot(testVaultKeyFile()),
        RegistryModule,
      ],
    },
    { logger: ['error'] },
  );
  await app.get(LedgerService).open();
  await app.get(Queue).start();
  let count = 0;
  const unique = (prefix: string): string => `${prefix}-${(count += 1)}`;
  const services = {
    recordings: app.get(RecordingService),
    models: app.get(ModelService),
    references: app.get(ReferenceService),
    sets: app.get(SampleSetService),
    requests: app.get(DeletionRequestService),
    erasures: app.get(ErasureService),
    imports: app.get(DeletionRequestImportService),
    releases: app.get(ReleaseService),
    standings: app.get(ReleaseStandingService),
    artifacts: app.get(ArtifactRecordingService),
    ledger: app.get(LedgerService),
    vault: app.get(VaultService),
    samples: app.get(SampleService),
    store: app.get(ArtifactStore),
  };
  const record: RegistryBench['record'] = (rows, signalKind = 'loss') => {
    const values = isList(rows) ? new Map(rows.map((id) => [id, 1])) : rows;
    const lines = [...values].map(([sampleId, value]) => `${JSON.stringify({ sampleId, value })}\n`);
    return services.recordings.store(bytesOf(lines.join('')), { signalKind, uploadedBy: PLATFORM });
  };
  const model: RegistryBench['model'] = (signalKind = 'loss') =>
    services.models.register({ name: unique('model'), signalKind, idempotencyKey: unique('key') }, PLATFORM);
  return {
    app,
    ...services,
    unique,
    record,
    model,
    async modelKnowing(sampleIds) {
      const made = await model();
      const { modelId } = made;
      const { recordingId } = await record(sampleIds);
      await services.references.register(
        { modelId, role: 'original', name: 'original', recordingId, idempotencyKey: unique('key') },
        PLATFORM,
      );
      return made;
    },
    async close() {
      await app.get(Queue).stop(1000);
      await app.close();
    },
  };
}
