import { type DynamicModule, Module } from '@nestjs/common';
import { SQL, type Sql } from '@app/persistence';
import { Queue, type QueueHooks } from './queue.js';

/** One {@link Queue} for the process; whoever takes jobs stops it before the database closes. */
@Module({})
export class QueueModule {
  static forRoot(hooks: QueueHooks): DynamicModule {
    return {
      module: QueueModule,
      global: true,
      providers: [{ provide: Queue, useFactory: (sql: Sql) => new Queue(sql, hooks), inject: [SQL] }],
      exports: [Queue],
    };
  }
}
