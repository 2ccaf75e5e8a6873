/**
 * Recounting: anyone who holds the result leaves can redo the attestation's sum. The leaves must rebuild both
 * trees, the result tree from the lines themselves and the commitment log from the leaf hashes in them, and
 * their verdicts and scores must add up to what was signed. One pass, memory O(log N) plus one histogram of
 * scores. Proven by recount.spec.ts.
 */
import { canonicalJson, CompactRange } from '@app/tlog';
import { refusal } from './errors.js';
import { encodeBytes, MILLION } from './fields.js';
import type { ResultLeaf } from './result-leaf.js';
import { hashResultLeaf, parseResultLeaf } from './result-leaf.js';
import type { ScoreQuantiles, Statement, Verdict, VerdictCounts } from './statement.js';
import { VERDICTS } from './statement.js';

/** What a run of result leaves adds up to. */
export interface ResultSummary {
  readonly treeSize: bigint;
  /** Root of the result tree. */
  readonly rootHash: Uint8Array;
  /** Root of the commitment log of that size, rebuilt from the leaf hashes in the results. */
  readonly commitmentRootHash: Uint8Array;
  readonly samples: VerdictCounts;
  readonly scoreQuantiles: ScoreQuantiles;
}

/** Counts the verdicts and scores of result leaves, in any order. */
export class LeafTally {
  private readonly verdicts = Object.fromEntries(VERDICTS.map((v) => [v, 0])) as Record<Verdict, number>;
  /** Leaves per score in millionths: 4 MB, exact, whatever the number of leaves. */
  private readonly scores = new Uint32Array(MILLION + 1);

  count({ verdict, score }: Pick<ResultLeaf, 'verdict' | 'score'>): void {
    this.verdicts[verdict]++;
    if (score !== null) this.scores[score]!++;
  }

  summary(): Pick<ResultSummary, 'samples' | 'scoreQuantiles'> {
    return { samples: { ...this.verdicts }, scoreQuantiles: quantilesOf(this.scores) };
  }
}

/** Adds up result leaves in index order. The attestation's figures and their recount come from the same sums. */
export class ResultTally {
  private readonly results = CompactRange.empty();
  private readonly commitments = CompactRange.empty();
  private readonly leaves = new LeafTally();

  /**
   * Adds the next leaf.
   * @param text the leaf as `formatResultLeaf` writes it.
   * @throws ATTESTATION_RESULTS_INCOMPLETE when its index is not the next one.
   */
  add(leaf: ResultLeaf, text: string): void {
    const next = this.results.treeSize;
    if (leaf.index !== next)
      throw refusal(
        'ATTESTATION_RESULTS_INCOMPLETE',
        `index ${next}`,
        `expected the result of leaf ${next} and found that of leaf ${leaf.index}`,
      );
    this.results.append(hashResultLeaf(text));
    this.commitments.append(leaf.leafHash);
    this.leaves.count(leaf);
  }

  summary(): ResultSummary {
    return {
      treeSize: this.results.treeSize,
      rootHash: this.results.root(),
      commitmentRootHash: this.commitments.root(),
      ...this.leaves.summary(),
    };
  }
}

/** Nearest-rank quantiles: the q % quantile of n scores is the one of rank ceil(n q / 100), at least the first. */
function quantilesOf(scores: Uint32Array): ScoreQuantiles {
  // Plain loops: a million callbacks a quantile took longer than counting the leaves.
  let scored = 0;
  for (let score = 0; score < scores.length; score += 1) scored += scores[score]!;
  if (scored === 0) return null;
  let score = -1;
  let passed = 0;
  const [min, p05, p25, p50, p75, p95, max] = [0, 5, 25, 50, 75, 95, 100].map((percent) => {
    const rank = Math.max(1, Math.ceil((scored * percent) / 100));
    while (passed < rank) passed += scores[(score += 1)]!;
    return score;
  }) as [number, number, number, number, number, number, number];
  return { scored, min, p05, p25, p50, p75, p95, max };
}

/**
 * The sums over `lines`, when they are exactly what `statement` signed.
 * @param lines result leaves without line ends, one a line, in index order from 0.
 * @throws ATTESTATION_RESULTS_INCOMPLETE when an index is missing, repeated or out of order, or when there
 *   are fewer or more than N; ATTESTATION_RESULTS_MISMATCH when a line is no result leaf, or when the leaves
 *   belong to other commitments, another result tree or other counts. `details.where` names the first wrong
 *   index where the lines alone can tell; a changed but well-formed line shows only in the root.
 */
export async function recountResults(
  lines: AsyncIterable<string> | Iterable<string>,
  { predicate }: Statement,
): Promise<ResultSummary> {
  const { commitmentLog, results } = predicate;
  const size = BigInt(results.treeSize);
  const tally = new ResultTally();
  let index = 0n;
  for await (const line of lines) {
    if (index >= size)
      throw refusal(
        'ATTESTATION_RESULTS_INCOMPLETE',
        `index ${index}`,
        `there are more results than the ${size} attested`,
      );
    tally.add(parseResultLeaf(line, `index ${index}`), line);
    index++;
  }
  if (index < size)
    throw refusal(
      'ATTESTATION_RESULTS_INCOMPLETE',
      `index ${index}`,
      `${size} results are attested, the file ends after ${index}`,
    );
  const summary = tally.summary();
  const differs = (where: string, message: string) =>
    refusal('ATTESTATION_RESULTS_MISMATCH', `predicate.${where}`, message);
  if (encodeBytes(summary.commitmentRootHash) !== commitmentLog.rootHash)
    throw differs('commitmentLog.rootHash', 'a result is bound to another commitment than the log holds');
  if (encodeBytes(summary.rootHash) !== results.rootHash)
    throw differs('results.rootHash', 'a result differs from the one attested');
  for (const verdict of VERDICTS)
    if (summary.samples[verdict] !== results.verdicts.samples[verdict])
      throw differs(`results.verdicts.samples.${verdict}`, `the results hold ${summary.samples[verdict]}`);
  if (canonicalJson(summary.scoreQuantiles) !== canonicalJson(results.scoreQuantiles))
    throw differs('results.scoreQuantiles', 'the scores have other quantiles');
  return summary;
}
