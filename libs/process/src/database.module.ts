import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import {
  connect,
  type ConnectOptions,
  DATABASE,
  type DatabaseAddress,
  openKysely,
  SQL,
  type Sql,
} from '@app/persistence';

/** One pool for the whole process, closed last on shutdown. */
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(SQL) private readonly sql: Sql) {}

  static forRoot(address: DatabaseAddress, options: Omit<ConnectOptions, 'as'>): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        { provide: SQL, useFactory: () => connect(address, { ...options, as: 'application' }) },
        { provide: DATABASE, useFactory: openKysely, inject: [SQL] },
      ],
      exports: [SQL, DATABASE],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.sql.end({ timeout: 5 });
  }
}
