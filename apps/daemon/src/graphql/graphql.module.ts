import { type DynamicModule, Module } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { type Config, CONFIG } from '@app/config';
import { ArtifactStore } from '@app/inference';
import { type Logger, LOGGER } from '@app/logging';
import {
  DeletionRequestService,
  ErasureService,
  ModelService,
  RegistryModule,
  ReleaseService,
  ReleaseStandingService,
} from '@app/registry';
import { AttestationService, ProfileService, VerificationService } from '@app/verification';
import { Metrics } from '../operations/metrics.js';
import { graphqlOptions } from './graphql-options.js';
import { MeResolver } from './me.resolver.js';
import { ErasureMutations } from './mutations/erasure.mutations.js';
import { OperatorMutations } from './mutations/operator.mutations.js';
import { ProfileMutations } from './mutations/profile.mutations.js';
import { RegistrationResolver } from './mutations/registration.resolver.js';
import { StandingMutations } from './mutations/standing.mutations.js';
import {
  ArtifactOfReferenceResolver,
  ArtifactOfReleaseResolver,
  ArtifactResolver,
} from './queries/artifact.resolver.js';
import { AttestationResolver } from './queries/attestation.resolver.js';
import { CommitmentResolver, DeletionRequestResolver } from './queries/deletion-request.resolver.js';
import { DriftChecksOfReleaseResolver } from './queries/drift-check.resolver.js';
import { ExplanationResolver } from './queries/explanation.resolver.js';
import { LogResolver } from './queries/log.resolver.js';
import { ModelResolver } from './queries/model.resolver.js';
import { ProfileResolver } from './queries/profile.resolver.js';
import { ProgressSubscription } from './queries/progress.subscription.js';
import { RecurrenceResolver } from './queries/recurrence.resolver.js';
import { ReferenceResolver } from './queries/reference.resolver.js';
import { ReleaseResolver } from './queries/release.resolver.js';
import { RequestResultResolver } from './queries/request-result.resolver.js';
import { SampleSetResolver } from './queries/sample-set.resolver.js';
import { StandingOfReleaseResolver, SupersessionResolver } from './queries/standing.resolver.js';
import {
  TimelineEntryResolver,
  TimelineOfModelResolver,
  TimelineRequestResolver,
} from './queries/timeline.resolver.js';
import { VerificationResolver, VerificationTicketResolver } from './queries/verification.resolver.js';

const engineOver = (services: NonNullable<DynamicModule['imports']>): DynamicModule =>
  GraphQLModule.forRootAsync<MercuriusDriverConfig>({
    driver: MercuriusDriver,
    imports: services,
    inject: [
      CONFIG,
      LOGGER,
      Metrics,
      ModelService,
      ReleaseService,
      ReleaseStandingService,
      DeletionRequestService,
      ErasureService,
      ProfileService,
      VerificationService,
      AttestationService,
      ArtifactStore,
    ],
    useFactory: (
      config: Config,
      logger: Logger,
      metrics: Metrics,
      models: ModelService,
      releases: ReleaseService,
      standings: ReleaseStandingService,
      requests: DeletionRequestService,
      erasures: ErasureService,
      profiles: ProfileService,
      verifications: VerificationService,
      attestations: AttestationService,
      artifacts: ArtifactStore,
    ) =>
      graphqlOptions({
        config,
        logger,
        metrics,
        services: {
          models,
          releases,
          standings,
          requests,
          erasures,
          profiles,
          verifications,
          attestations,
          artifacts,
        },
      }),
  });

const RESOLVERS = [
  ArtifactResolver,
  ArtifactOfReferenceResolver,
  ArtifactOfReleaseResolver,
  MeResolver,
  ModelResolver,
  ReferenceResolver,
  SampleSetResolver,
  ProfileResolver,
  ReleaseResolver,
  StandingOfReleaseResolver,
  SupersessionResolver,
  DriftChecksOfReleaseResolver,
  DeletionRequestResolver,
  CommitmentResolver,
  VerificationResolver,
  VerificationTicketResolver,
  ProgressSubscription,
  RequestResultResolver,
  ExplanationResolver,
  RecurrenceResolver,
  TimelineOfModelResolver,
  TimelineEntryResolver,
  TimelineRequestResolver,
  AttestationResolver,
  LogResolver,
  RegistrationResolver,
  ProfileMutations,
  OperatorMutations,
  ErasureMutations,
  StandingMutations,
];

/** The GraphQL edge: engine and resolvers over the services of `verification` and the registry. */
@Module({})
export class GraphqlEdgeModule {
  static forRoot(verification: DynamicModule): DynamicModule {
    const services = [RegistryModule, verification];
    return { module: GraphqlEdgeModule, imports: [...services, engineOver(services)], providers: RESOLVERS };
  }
}
