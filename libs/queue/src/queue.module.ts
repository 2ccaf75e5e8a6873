import { type DynamicModule, Module } from '@nestjs/common';
import { DATABASE, type Database } from '@app/persistence';
import { Queue, type QueueHooks } from './queue.js';

/** One {@link Queue} for the process; whoever takes jobs stops it before the database closes. */
@Module({})
export class QueueModule {
  static forRoot(hooks: QueueHooks): DynamicModule {
    return {
      module: QueueModule,
      global: true,
      providers: [{ provide: Queue, useFactory: (db: Database) => new Queue(db, hooks), inject: [DATABASE] }],
      exports: [Queue],
    };
  }
}
