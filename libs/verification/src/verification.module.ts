import { InferenceModule } from '@app/inference';
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
import { BlockService, WORKER_NAME } from './block.service.js';
import { ConcludeService } from './conclude.service.js';
import { DriftService } from './drift.service.js';
import { ErrorBudgetRepository } from './error-budget.repository.js';
import { ErrorBudgetService } from './error-budget.service.js';
import { ExplanationService } from './explanation.service.js';
import { FactsRepository } from './facts.repository.js';
import { FailuresService } from './failures.service.js';
import { PlanService } from './plan.service.js';
import { ProfileRepository } from './profile/profile.repository.js';
import { ProfileService } from './profile/profile.service.js';
import { RecurrenceRepository } from './recurrence.repository.js';
import { RecurrenceService } from './recurrence.service.js';
import { ResultRepository } from './result.repository.js';
import { ResultService } from './result.service.js';
import { ScoreBlockRepository } from './score-block.repository.js';
import { SignalsService } from './signals.service.js';
import { StoredScoresService } from './stored-scores.service.js';
import { VerificationRepository } from './verification.repository.js';
import { VerificationService } from './verification.service.js';

export interface WorkerOptions {
  /** Kept with each block that this process computes. */
  readonly workerName: string;
}

/** What both kinds of process need. */
const SHARED: Provider[] = [
  FactsRepository,
  VerificationRepository,
  ScoreBlockRepository,
  ResultRepository,
  ErrorBudgetRepository,
  ProfileRepository,
  AttestationRepository,
  SignalsService,
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
  static forWorker({ workerName }: WorkerOptions): DynamicModule {
    const steps = [PlanService, BlockService, ConcludeService];
    return {
      module: VerificationModule,
      imports: [InferenceModule],
      providers: [
        ...SHARED,
        ...steps,
        DriftService,
        ErrorBudgetService,
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
      AttestationIssuer,
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
        AttestationIssuer,
        AttestationTasks,
        { provide: ATTESTATION_SIGNER, useValue: signer },
      ],
      exports: services,
    };
  }
}
