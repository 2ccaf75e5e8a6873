import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@app/config';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ArtifactCache } from './artifact-cache.js';
import type { ArtifactFile } from './manifest.js';

const DIGEST = 'ab'.repeat(32);
const TEXTS = { first: '', second: 'weights' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const FILES: readonly ArtifactFile[] = Object.entries(TEXTS).map(([path, text]) => ({
  path,
  sizeBytes: text.length,
  sha256: sha256(text),
}));
async function* content(digest: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(Object.values(TEXTS).find((text) => sha256(text) === digest)!));
}

let root: string;
const place = () => join(root, DIGEST);
/** One process of the machine. */
const worker = () => {
  const cache = new ArtifactCache(loadConfig({ LACUNA_ARTIFACT_CACHE: root }));
  return () => cache.folder(DIGEST, FILES, content);
};
const expectSound = () => {
  expect(readdirSync(root)).toEqual([DIGEST]);
  for (const [path, text] of Object.entries(TEXTS))
    expect(readFileSync(join(place(), path), 'utf8')).toBe(text);
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lacuna-cache-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('leaves a folder that another process put there while it looked at what was there before', async () => {
  // A file whose reader waits for whoever writes it: the worker stands still in the middle of its look.
  mkdirSync(place());
  const pipe = join(place(), 'first');
  execFileSync('mkfifo', [pipe]);
  const slow = worker()();
  const writer = await vi.waitFor(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
  rmSync(place(), { recursive: true });
  expect(await worker()()).toBe(place());
  const mark = join(place(), 'in use');
  writeFileSync(mark, '');
  writeSync(writer, 'not what it should be');
  closeSync(writer);
  expect(await slow).toBe(place());
  rmSync(mark);
  expectSound();
});

it('replaces a folder whose files are wrong or missing, also one that it found sound before', async () => {
  const folder = worker();
  await folder();
  for (const harm of [
    () => writeFileSync(join(place(), 'second'), 'another text'),
    () => rmSync(join(place(), 'first')),
    () => rmSync(place(), { recursive: true }),
  ]) {
    harm();
    await Promise.all([folder(), worker()(), worker()()]);
    expectSound();
  }
});
