import { type DynamicModule, Module } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { type Config, CONFIG } from '@app/config';
import type { Logger } from '@app/logging';
import { Metrics } from '../operations/metrics.js';
import { LOGGER } from '../operations/logger.js';
import { graphqlOptions } from './graphql-options.js';
import { MeResolver } from './me.resolver.js';

/** The GraphQL edge: engine and resolvers. Services come from the global modules of the libs. */
@Module({})
export class GraphqlEdgeModule {
  static forRoot(): DynamicModule {
    return {
      module: GraphqlEdgeModule,
      imports: [
        GraphQLModule.forRootAsync<MercuriusDriverConfig>({
          driver: MercuriusDriver,
          inject: [CONFIG, LOGGER, Metrics],
          useFactory: (config: Config, logger: Logger, metrics: Metrics) =>
            graphqlOptions({ config, logger, metrics, services: {} }),
        }),
      ],
      providers: [MeResolver],
    };
  }
}
