/**
 * Does every sample set still have the members it was registered with? Its digest and size are in the event log (the
 * ledger's audit compares the columns); here the members are hashed again. Proven by
 * test/medium/registry-sample-sets.spec.ts.
 */
import type { AuditFinding } from '@app/ledger';
import type { Database } from '@app/persistence';
import { sampleSetDigest } from './sample-set-digest.js';
import { type SampleSet, SampleSetRepository } from './sample-set.repository.js';
import { MAX_PAGE_SIZE, type Page } from './page.js';

/** Everything wrong with the members of sample sets; one pass over all of them. */
export async function auditSampleSets(db: Database): Promise<readonly AuditFinding[]> {
  const sets = new SampleSetRepository(db);
  const findings: AuditFinding[] = [];
  for await (const set of allSets(sets)) {
    const { digest, size } = await sampleSetDigest(sets.allMembers(set.sampleSetId));
    const place = { log: 'sample_set', index: set.sampleSetId };
    if (size !== set.size)
      findings.push({
        ...place,
        field: 'sample_set.size',
        problem: `there are ${size} members, not ${set.size}`,
      });
    if (digest !== set.digest) {
      findings.push({
        ...place,
        field: set.clusterCount === null ? 'sample_set_member.sample_id' : 'sample_set_member.cluster_id',
        problem: 'the members (with their clusters) do not have the digest in sample_set.digest',
      });
    }
  }
  return findings;
}

async function* allSets(sets: SampleSetRepository): AsyncGenerator<SampleSet> {
  for (let after: string | null = null; ;) {
    const page: Page<SampleSet> = await sets.list(null, { first: MAX_PAGE_SIZE, after });
    yield* page.items;
    const last = page.items.at(-1);
    if (!page.hasNextPage || !last) return;
    after = page.cursorOf(last);
  }
}
