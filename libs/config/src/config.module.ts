import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from './config.schema.js';

/** Injection token of the frozen {@link Config}. */
export const CONFIG = Symbol('CONFIG');

/** Makes one already parsed configuration injectable everywhere; parsing happens once, in main.ts. */
@Module({})
export class ConfigModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: CONFIG, useValue: config }],
      exports: [CONFIG],
    };
  }
}
