import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Kysely } from 'kysely';
import { connect, type ConnectOptions, type DatabaseAddress, type Sql } from './connect.js';
import { GuardedDialect } from './guarded-driver.js';
import type { Database, Tables } from './tables/database.js';

/** Injection token of the {@link Database} (Kysely over postgres.js, as the application role). */
export const DATABASE = Symbol('DATABASE');
/** Injection token of the postgres.js pool under {@link DATABASE}, for COPY and LISTEN. */
export const SQL = Symbol('SQL');

export function openKysely(sql: Sql): Database {
  return new Kysely<Tables>({ dialect: new GuardedDialect(sql) });
}

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
