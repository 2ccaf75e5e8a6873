/**
 * Where uploads lie on this machine while they are taken in: a folder that no other user may look into. Proven by
 * uploads-folder.spec.ts.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Longer than any upload takes: what is older was left by a process that was killed. */
const LEFT_BEHIND_MS = 86_400_000;

/** The folder, without what killed processes left in it. */
export async function uploadsFolder(): Promise<string> {
  const folder = join(tmpdir(), 'lacuna-uploads');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const now = Date.now();
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // Absent where its owner has just removed it.
    const changedAt = (await stat(path).catch(() => null))?.mtimeMs;
    if (changedAt !== undefined && now - changedAt > LEFT_BEHIND_MS)
      await rm(path, { recursive: true, force: true });
  }
  return folder;
}
