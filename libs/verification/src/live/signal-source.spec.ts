import { expect, it } from 'vitest';
import { fixedSource, releaseSource } from './signal-source.js';

const artifactDigest = 'ab'.repeat(32);
const release = { artifactDigest, releaseId: 'r1', runtime: 'open-inference' };

it('files give what they gave, whatever the release', () => {
  const onnx = { ...release, runtime: 'onnx' };
  expect(releaseSource(onnx, 0)).toEqual(fixedSource(artifactDigest));
  expect(releaseSource(onnx, 1)).toEqual({ artifactDigest, sourceDigest: artifactDigest });
});

it('an endpoint gives something else for each release, each generation, and what a reference had from it', () => {
  const sources = [
    fixedSource(artifactDigest),
    releaseSource(release, 0),
    releaseSource(release, 1),
    releaseSource({ ...release, releaseId: 'r2' }, 0),
    releaseSource({ ...release, runtime: 'openai-completions', releaseId: 'r3' }, 0),
  ];
  expect(new Set(sources.map(({ sourceDigest }) => sourceDigest)).size).toBe(sources.length);
  for (const source of sources) expect(source.artifactDigest).toBe(artifactDigest);
});
