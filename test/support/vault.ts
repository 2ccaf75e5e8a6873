/** A vault for tests: a key file that ends with the process, and samples stored as the product stores them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerService } from '@app/ledger';
import { newVaultKeyText, type Sample, type VaultService } from '@app/vault';

let keyFile: string | undefined;

/** One key file for all modules of this process: whatever one of them stored another one can read. */
export function testVaultKeyFile(): string {
  if (keyFile) return keyFile;
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-vault-key-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  keyFile = join(directory, 'vault.keys');
  writeFileSync(keyFile, newVaultKeyText(), { mode: 0o600 });
  return keyFile;
}

/** Stores the samples as one segment, with its event. */
export async function storeSegment(
  { ledger, vault }: { readonly ledger: LedgerService; readonly vault: VaultService },
  modelId: string,
  samples: readonly Sample[],
): Promise<string> {
  const sealed = vault.seal(modelId, samples);
  const { segmentId } = sealed;
  const storedAt = new Date();
  await ledger.append({
    idempotency: null,
    events: [
      {
        type: 'samples-stored',
        subjectId: segmentId,
        content: {
          segmentId,
          modelId,
          sampleCount: samples.length,
          digest: Buffer.from(sealed.digest).toString('hex'),
          storedAt: storedAt.toISOString(),
        },
      },
    ],
    write: async (tx, placed) => {
      await vault.insert(tx, sealed, { storedAt, eventIndex: placed.eventIndexes[0]! });
      return { segmentId };
    },
  });
  return segmentId;
}
