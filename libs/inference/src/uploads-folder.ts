/** Where uploads lie on this machine while they are taken in: a folder that no other user may look into. */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function uploadsFolder(): Promise<string> {
  const folder = join(tmpdir(), 'lacuna-uploads');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
