import { ArtifactStore, InferenceModule, type ModelRuntime, type RuntimeSource } from '@app/inference';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import {
  ATTESTATION_SIGNER,
  AttestationIssuer,
  type AttestationSigner,
} from './attest/attestation-issuer.service.js';
import { AttestationTasks } from './attest/attestation-tasks.js';
import { AttestationRepository } from './attest/attestation.repository.js';
import { AttestationService } from './attest/attestation.service.js';
import { BundleService } from './attest/bundle.service.js';
import { BlockFactsRepository } from './block-facts.repository.js';
import { BlockService } from './block.service.js';
import { ConcludeService } from './conclude.service.js';
import { DriftService } from './drift.service.js';
import { DriftCheckRepository } from './endpoint/drift-check.repository.js';
import { DriftCheckService } from './endpoint/drift-check.service.js';
import {
  DRIFT_SETTINGS,
  type DriftSettings,
  EndpointDriftService,
} from './endpoint/endpoint-drift.service.js';
import { KnownSignals } from './endpoint/known-signals.service.js';
import { ErrorBudgetRepository } from './error-budget.repository.js';
import { ErrorBudgetService } from './error-budget.service.js';
import { ExplanationService } from './explanation.service.js';
import { FactsRepository } from './facts.repository.js';
import { FailuresService } from './failures.service.js';
import { LiveSignalsService } from './live/live-signals.service.js';
import { PendingSignalsService } from './live/pending-signals.service.js';
import { RUNTIME_POOL_OPTIONS, RuntimePool, type RuntimePoolOptions } from './live/runtime-pool.service.js';
import { SampleReader } from './live/sample-reader.service.js';
import { SetSignalsService } from './live/set-signals.service.js';
import { SignalBlockRepository } from './live/signal-block.repository.js';
import { UnscorableReasonsService } from './live/unscorable-reasons.service.js';
import { PlanService } from './plan.service.js';
import { ProfileRepository } from './profile/profile.repository.js';
import { ProfileService } from './profile/profile.service.js';
import { ProgressFeed } from './progress-feed.service.js';
import { RecurrenceRepository } from './recurrence.repository.js';
import { RecurrenceService } from './recurrence.service.js';
import { ResultRepository } from './result.repository.js';
import { ResultService } from './result.service.js';
import { ReverificationRepository } from './reverification.repository.js';
import { ReverificationService } from './reverification.service.js';
import { ScoreBlockRepository } from './score-block.repository.js';
import { SignalsService } from './signals.service.js';
import { StoredScoresService } from './stored-scores.service.js';
import { TimelineRepository } from './timeline.repository.js';
import { TimelineService } from './timeline.service.js';
import { VerificationRepository } from './verification.repository.js';
import { VerificationService } from './verification.service.js';
import { WORKER_NAME } from './worker-name.js';

export interface WorkerOptions {
  /** Kept with each block that this process computes. */
  readonly workerName: string;
  /** Loads a model, or reaches the endpoint that runs it. */
  readonly openRuntime: (source: RuntimeSource) => Promise<ModelRuntime>;
  /** Live models kept loaded. */
  readonly models: number;
  /** How endpoints are asked again. */
  readonly drift: DriftSettings;
}

/** What both kinds of process need. */
const SHARED: Provider[] = [
  FactsRepository,
  BlockFactsRepository,
  VerificationRepository,
  ScoreBlockRepository,
  ResultRepository,
  ErrorBudgetRepository,
  ProfileRepository,
  AttestationRepository,
  SignalBlockRepository,
  DriftCheckRepository,
  SignalsService,
  PendingSignalsService,
  StoredScoresService,
  ProfileService,
  VerificationService,
  ResultService,
  FailuresService,
];

/** Needs the global database, ledger, queue and configuration modules. */
@Module({})
export class VerificationModule {
  /** Plans, scores and concludes. */
  static forWorker({ workerName, openRuntime, models, drift }: WorkerOptions): DynamicModule {
    const steps = [
      PlanService,
      BlockService,
      ConcludeService,
      PendingSignalsService,
      SetSignalsService,
      EndpointDriftService,
    ];
    return {
      module: VerificationModule,
      imports: [InferenceModule],
      providers: [
        ...SHARED,
        ...steps,
        DriftService,
        ErrorBudgetService,
        LiveSignalsService,
        UnscorableReasonsService,
        RuntimePool,
        SampleReader,
        KnownSignals,
        { provide: DRIFT_SETTINGS, useValue: drift },
        {
          provide: RUNTIME_POOL_OPTIONS,
          inject: [ArtifactStore],
          useFactory: (artifacts: ArtifactStore): RuntimePoolOptions => ({
            capacity: models,
            open: async (artifactDigest) => openRuntime(await artifacts.materialise(artifactDigest)),
          }),
        },
        { provide: WORKER_NAME, useValue: workerName },
      ],
      exports: [...steps, FailuresService, VerificationService],
    };
  }

  /** Freezes profiles, answers questions and attests. */
  static forDaemon({ signer }: { readonly signer: AttestationSigner }): DynamicModule {
    const services = [
      VerificationService,
      ResultService,
      ProfileService,
      AttestationService,
      BundleService,
      RecurrenceService,
      ExplanationService,
      TimelineService,
      ReverificationService,
      DriftCheckService,
      AttestationIssuer,
      ProgressFeed,
    ];
    return {
      module: VerificationModule,
      imports: [InferenceModule],
      providers: [
        ...SHARED,
        AttestationService,
        BundleService,
        RecurrenceRepository,
        RecurrenceService,
        ExplanationService,
        TimelineRepository,
        TimelineService,
        ReverificationRepository,
        ReverificationService,
        DriftCheckService,
        AttestationIssuer,
        AttestationTasks,
        ProgressFeed,
        { provide: ATTESTATION_SIGNER, useValue: signer },
      ],
      exports: services,
    };
  }
}
