import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closedAncestor, resolveDataDirectory } from './data-directory.js';

describe('resolveDataDirectory', () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'lacuna-place-'));
    chmodSync(place, 0o755);
    mkdirSync(join(place, 'clone'));
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  it('is .lacuna in the clone by default', () => {
    const directory = resolveDataDirectory(undefined, join(place, 'clone'), false);
    expect(directory).toEqual({ path: join(place, 'clone', '.lacuna'), movedBecause: null });
    expect(statSync(directory.path).isDirectory()).toBe(true);
  });

  it('is what is configured, relative to the clone', () => {
    expect(resolveDataDirectory('../data', join(place, 'clone'), false).path).toBe(join(place, 'data'));
  });

  it.runIf(process.getuid?.() === 0)('moves for root when only root may enter the clone', () => {
    chmodSync(join(place, 'clone'), 0o700);
    const directory = resolveDataDirectory(undefined, join(place, 'clone'), true);
    expect(directory.path).toMatch(/^\/var\/lib\/lacuna\/[0-9a-f]{12}$/);
    expect(directory.movedBecause).toContain(join(place, 'clone'));
    expect(resolveDataDirectory(undefined, join(place, 'clone'), true).path).toBe(directory.path);
    rmSync(join(place, 'clone', '.lacuna'), { recursive: true });
    const fresh = resolveDataDirectory(undefined, join(place, 'clone'), true);
    expect(fresh.path).not.toBe(directory.path);
    for (const { path } of [directory, fresh]) rmSync(path, { recursive: true });
  });

  it('refuses a path that cannot be a directory', () => {
    writeFileSync(join(place, 'file'), '');
    expect(() => resolveDataDirectory(join(place, 'file'), place, false)).toThrow(
      expect.objectContaining({ code: 'PERSISTENCE_DIRECTORY_UNUSABLE' }),
    );
  });

  it('finds the first closed directory above a path that does not exist yet', () => {
    expect(closedAncestor(join(place, 'clone', 'a', 'b'))).toBeNull();
    chmodSync(join(place, 'clone'), 0o750);
    expect(closedAncestor(join(place, 'clone', 'a', 'b'))).toBe(join(place, 'clone'));
  });
});
