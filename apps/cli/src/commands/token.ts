import { mintLocalToken, type Role } from '@app/access';
import { loadConfig } from '@app/config';
import { dataDirectory } from '@app/persistence';

export interface TokenRequest {
  readonly role: readonly string[];
  readonly ttl: number;
  readonly subject: string;
}

export async function runToken({ role, ttl, subject }: TokenRequest): Promise<void> {
  const token = await mintLocalToken({
    directory: dataDirectory(loadConfig(process.env)).path,
    // Names that are no roles are refused by the minting itself.
    roles: role as Role[],
    ttlSeconds: ttl,
    subject,
    now: new Date(),
  });
  process.stdout.write(`${token}\n`);
}
