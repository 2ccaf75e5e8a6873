import { type DynamicModule, Module } from '@nestjs/common';
import type { Database } from '@app/persistence';
import { VaultKeyRing } from './key-ring.js';
import { VaultRepository } from './vault.repository.js';
import { VaultService } from './vault.service.js';

/** The vault without a framework, for commands. */
export const openVault = (db: Database, keyFile: string): VaultService =>
  new VaultService(new VaultRepository(db), new VaultKeyRing(keyFile));

/** The payloads, for everybody in the process. Needs the global DatabaseModule. */
@Module({})
export class VaultModule {
  /** @param keyFile read when a payload is first stored or read; see key-ring.ts for its form */
  static forRoot(keyFile: string): DynamicModule {
    return {
      module: VaultModule,
      global: true,
      providers: [
        VaultRepository,
        VaultService,
        { provide: VaultKeyRing, useFactory: () => new VaultKeyRing(keyFile) },
      ],
      exports: [VaultService],
    };
  }
}
