/**
 * Clusters of a sample set: samples that stick together (chunks of one document, photos of one person), so that a
 * verification can compare whole clusters with whole deletion requests. Proven by
 * test/medium/registry-sample-sets.spec.ts.
 */
import { z } from 'zod';
import { RegistryError } from './errors.js';
import { MAX_LISTED_SAMPLES, sampleId } from './input.js';
import type { SampleSetMember } from './sample-set-digest.js';

const cluster = z.strictObject({
  /** As sample ids are spelled; nobody's name. */
  clusterId: sampleId,
  sampleIds: z.array(sampleId).min(1).max(MAX_LISTED_SAMPLES),
});

export const sampleClusters = z
  .array(cluster)
  .min(1)
  .max(MAX_LISTED_SAMPLES)
  .superRefine((clusters, context) => {
    const seen = new Set<string>();
    let samples = 0;
    for (const [at, { clusterId, sampleIds }] of clusters.entries()) {
      if (seen.has(clusterId))
        context.addIssue({
          code: 'custom',
          path: [at, 'clusterId'],
          message: 'is the id of a cluster before it',
        });
      seen.add(clusterId);
      samples += sampleIds.length;
    }
    if (samples > MAX_LISTED_SAMPLES)
      context.addIssue({ code: 'custom', message: `at most ${MAX_LISTED_SAMPLES} samples can be listed` });
  });
export type SampleClusters = z.output<typeof sampleClusters>;

/** The samples of all clusters, in the order given. */
export const clusterMembers = (clusters: SampleClusters): SampleSetMember[] =>
  clusters.flatMap(({ clusterId, sampleIds }) => sampleIds.map((id) => ({ sampleId: id, clusterId })));

/** @throws RegistryError REGISTRY_CLUSTERS_INVALID unless the recording holds exactly the samples of the clusters */
export async function requireSameSamples(
  members: readonly SampleSetMember[],
  rows: AsyncIterable<{ sampleId: string }>,
): Promise<void> {
  const listed = new Set(members.map(({ sampleId: id }) => id));
  let unclustered = 0;
  for await (const { sampleId: id } of rows) if (!listed.delete(id)) unclustered += 1;
  const unrecorded = listed.size;
  if (unclustered + unrecorded === 0) return;
  throw new RegistryError(
    'REGISTRY_CLUSTERS_INVALID',
    `the clusters must name exactly the samples of the recording: ${unclustered} of its samples are in no cluster, ` +
      `${unrecorded} samples of clusters are not in it`,
    { details: { unclustered, unrecorded } },
  );
}
