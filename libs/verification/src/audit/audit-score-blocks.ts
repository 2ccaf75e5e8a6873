/** Stored scores against the attested leaves they went into. */
import type { ResultLeaf } from '@app/attestation';
import type { AuditFinding } from '@app/ledger';
import type { Database } from '@app/persistence';
import { decodedScores } from '../block-scores.js';
import { UNSCORABLE_SCORE } from '../plan.js';
import { COMMITMENTS } from '../subjects.js';

interface ScoreKey {
  readonly verification_id: string;
  readonly release_id: string;
  readonly generation: number;
  readonly profile_id: string;
}

/**
 * A score never depends on what is known of other samples, so every stored version of the block, made from the same
 * generation of the release's signals, agrees with the leaves
 * wherever both have a score, and one version has exactly theirs.
 */
export async function auditScoreBlocks(
  db: Database,
  key: ScoreKey,
  blockIndex: number,
  leaves: readonly ResultLeaf[],
): Promise<AuditFinding[]> {
  const rows = await db
    .selectFrom('score_block')
    .select(['scores', 'unscorable', 'width'])
    .where('release_id', '=', key.release_id)
    .where('generation', '=', key.generation)
    .where('profile_id', '=', key.profile_id)
    .where('subject', '=', COMMITMENTS)
    .where('block_index', '=', blockIndex)
    .execute();
  const place = { log: 'score_block', index: `${key.verification_id}/${blockIndex}` };
  const findings: AuditFinding[] = [];
  let exact = false;
  for (const row of rows) {
    const scores = decodedScores(row.scores);
    if (!scores) {
      findings.push({ ...place, field: 'score_block.scores', problem: 'holds something else than scores' });
      continue;
    }
    const unscorable = scores.filter((score) => score === UNSCORABLE_SCORE).length;
    if (unscorable !== row.unscorable)
      findings.push({
        ...place,
        field: 'score_block.unscorable',
        problem: `${unscorable} scores are missing`,
      });
    const differing = leaves.find((leaf, i) => contradicts(leaf, scores[i]));
    if (differing) {
      const problem = `width ${row.width}: differs from the attested score of leaf ${differing.index}`;
      findings.push({ ...place, field: 'score_block.scores', problem });
    }
    exact ||= leaves.every((leaf, i) => isSame(leaf, scores[i]));
  }
  if (!exact && findings.length === 0)
    findings.push({
      ...place,
      field: 'score_block.scores',
      problem: 'no stored block has the attested scores',
    });
  return findings;
}

const contradicts = ({ score }: ResultLeaf, stored: number | undefined): boolean =>
  score !== null && stored !== undefined && stored >= 0 && stored !== score;

/** What is no longer verifiable was left out whatever its score. */
const isSame = ({ score, verdict }: ResultLeaf, stored: number | undefined): boolean =>
  stored !== undefined && (verdict === 'NO_LONGER_VERIFIABLE' || stored === (score ?? UNSCORABLE_SCORE));
