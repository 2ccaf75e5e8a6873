import { type DynamicModule, Global, Module } from '@nestjs/common';
import { type Logger, LOGGER } from '@app/logging';
import { AuditFailures } from '../schedules/audit-failures.js';
import { ScheduleRunRepository } from '../schedules/schedule-run.repository.js';
import { Metrics } from './metrics.js';
import { OperationsController } from './operations.controller.js';
import { Readiness } from './readiness.js';

/** What operators look at: logs, metrics, health. */
@Global()
@Module({})
export class OperationsModule {
  static forRoot(logger: Logger, metrics: Metrics): DynamicModule {
    return {
      module: OperationsModule,
      controllers: [OperationsController],
      providers: [
        Readiness,
        ScheduleRunRepository,
        AuditFailures,
        { provide: LOGGER, useValue: logger },
        { provide: Metrics, useValue: metrics },
      ],
      exports: [LOGGER, Metrics, ScheduleRunRepository, AuditFailures],
    };
  }
}
