/** Result leaves against the signed root, and every row derived from them against the leaves. */
import {
  AttestationError,
  hashResultLeaf,
  parseResultLeaf,
  type ResultLeaf,
  type ResultSummary,
  ResultTally,
  type Statement,
} from '@app/attestation';
import type { AuditFinding } from '@app/ledger';
import type { Database, Tables } from '@app/persistence';
import { canonicalJson, rootOf } from '@app/tlog';
import type { Selectable } from 'kysely';
import { type RequestTest, SINGLE_SAMPLES } from '../group-test.js';
import type { VerificationSummary } from '../summary.js';
import { auditRequestResults, RequestTally } from './audit-request-results.js';
import { auditScoreBlocks } from './audit-score-blocks.js';

interface Concluded extends Pick<
  Selectable<Tables['verification']>,
  'verification_id' | 'release_id' | 'generation' | 'profile_id' | 'tree_size'
> {
  readonly result: string;
  readonly result_root: Uint8Array;
  readonly summary: VerificationSummary;
  readonly log_id: number;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

export async function auditResults(
  db: Database,
  statements: ReadonlyMap<string, Statement>,
): Promise<AuditFinding[]> {
  const findings = await orphanFindings(db);
  for (const concluded of await concludedVerifications(db)) {
    const audit = new ResultAudit(db, concluded);
    await audit.run(statements.get(concluded.verification_id));
    findings.push(...audit.findings);
  }
  return findings;
}

/** Outcomes whose verification or release is gone, and attestations of no such outcome: nothing else would look at them. */
async function orphanFindings(db: Database): Promise<AuditFinding[]> {
  const outcomes = await db
    .selectFrom('verification_outcome')
    .leftJoin('verification', 'verification.verification_id', 'verification_outcome.verification_id')
    .leftJoin('release', 'release.release_id', 'verification.release_id')
    .select(['verification_outcome.verification_id', 'release.release_id'])
    .where('release.release_id', 'is', null)
    .execute();
  const attestations = await db
    .selectFrom('attestation')
    .leftJoin('verification_outcome', 'verification_outcome.verification_id', 'attestation.verification_id')
    .select(['attestation_id'])
    .where('verification_outcome.verification_id', 'is', null)
    .execute();
  return [
    ...outcomes.map(({ verification_id: index }) => ({
      log: 'verification_outcome',
      index,
      field: 'verification.release_id',
      problem: 'the outcome belongs to no verification of a release',
    })),
    ...attestations.map(({ attestation_id: index }) => ({
      log: 'attestation',
      index,
      field: 'attestation.verification_id',
      problem: 'the attestation belongs to no concluded verification',
    })),
  ];
}

async function concludedVerifications(db: Database): Promise<Concluded[]> {
  const rows = await db
    .selectFrom('verification_outcome')
    .innerJoin('verification', 'verification.verification_id', 'verification_outcome.verification_id')
    .innerJoin('release', 'release.release_id', 'verification.release_id')
    .innerJoin('log', 'log.model_id', 'release.model_id')
    .select([
      'verification.verification_id',
      'verification.release_id',
      'verification.generation',
      'profile_id',
      'tree_size',
      'result',
      'result_root',
      'summary',
      'log.log_id',
    ])
    .orderBy('requested_at')
    .execute();
  return rows.map((row) => ({ ...row, summary: row.summary as VerificationSummary }));
}

/** The test as the outcome holds it: without the words. */
function testOf({ requestTest }: Statement['predicate']): RequestTest {
  if (!requestTest) return SINGLE_SAMPLES;
  const { groupTest, clusters } = requestTest;
  return clusters ? { groupTest, clusters } : { groupTest };
}

class ResultAudit {
  readonly findings: AuditFinding[] = [];
  private readonly tally = new ResultTally();
  private readonly requests = new RequestTally();

  constructor(
    private readonly db: Database,
    private readonly verification: Concluded,
  ) {}

  async run(statement: Statement | undefined): Promise<void> {
    const { verification_id: id, summary } = this.verification;
    const blocks = await this.db
      .selectFrom('result_block')
      .select('block_index')
      .where('verification_id', '=', id)
      .orderBy('block_index')
      .execute();
    for (const { block_index: blockIndex } of blocks) await this.auditBlock(blockIndex);
    if (blocks.length !== summary.blockRoots.length)
      this.report(id, 'result_block.block_index', `there are ${blocks.length} blocks of results`);
    const recount = this.tally.summary();
    this.compareOutcome(recount);
    if (statement) this.compareStatement(recount, statement);
    this.findings.push(...(await auditRequestResults(this.db, id, this.requests, summary)));
  }

  private report(index: string, field: string, problem: string): void {
    this.findings.push({ log: 'verification', index, field, problem });
  }

  private async auditBlock(blockIndex: number): Promise<void> {
    const { verification_id: id, summary } = this.verification;
    const place = `${id}/${blockIndex}`;
    const { leaves: text } = await this.db
      .selectFrom('result_block')
      .select('leaves')
      .where('verification_id', '=', id)
      .where('block_index', '=', blockIndex)
      .executeTakeFirstOrThrow();
    const lines = text.split('\n');
    if (base64(rootOf(lines.map(hashResultLeaf))) !== summary.blockRoots[blockIndex])
      this.report(place, 'result_block.leaves', 'the leaves have another root than the outcome holds');
    const leaves: ResultLeaf[] = [];
    try {
      for (const line of lines) {
        const leaf = parseResultLeaf(line);
        this.tally.add(leaf, line);
        leaves.push(leaf);
      }
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      this.report(place, 'result_block.leaves', `leaf ${this.tally.summary().treeSize}: ${error.message}`);
      return;
    }
    await this.compareLeaves(place, leaves);
    this.findings.push(...(await auditScoreBlocks(this.db, this.verification, blockIndex, leaves)));
  }

  /** Each leaf against the commitment it is about. */
  private async compareLeaves(place: string, leaves: readonly ResultLeaf[]): Promise<void> {
    const first = leaves[0]!.index;
    const rows = await this.db
      .selectFrom('entry')
      .leftJoin('commitment', (join) =>
        join
          .onRef('commitment.log_id', '=', 'entry.log_id')
          .onRef('commitment.leaf_index', '=', 'entry.leaf_index'),
      )
      .select(['entry.leaf_hash', 'commitment.request_id'])
      .where('entry.log_id', '=', this.verification.log_id)
      .where('entry.leaf_index', '>=', first)
      .where('entry.leaf_index', '<', first + BigInt(leaves.length))
      .orderBy('entry.leaf_index')
      .execute();
    for (const [position, leaf] of leaves.entries()) {
      const row = rows[position];
      if (!row || Buffer.compare(row.leaf_hash, leaf.leafHash) !== 0)
        this.report(place, 'result_block.leaves', `leaf ${leaf.index} is bound to another commitment`);
      this.requests.add(row?.request_id ?? null, leaf);
    }
  }

  private compareOutcome(recount: ResultSummary): void {
    const { verification_id: id, result_root: root, tree_size: size, summary } = this.verification;
    if (recount.treeSize !== size)
      this.report(id, 'verification.tree_size', `there are ${recount.treeSize} results`);
    if (base64(recount.rootHash) !== base64(root))
      this.report(id, 'verification_outcome.result_root', 'is not the root of the result leaves');
    const recounted = { samples: recount.samples, scoreQuantiles: recount.scoreQuantiles };
    const said = { samples: summary.counts.samples ?? null, scoreQuantiles: summary.scoreQuantiles };
    this.compare(
      'verification_outcome.summary',
      recounted,
      said,
      'the result leaves add up to something else',
    );
  }

  private compareStatement({ rootHash }: ResultSummary, { predicate }: Statement): void {
    const { verification: row } = this;
    const { summary } = row;
    const { results } = predicate;
    const signed = 'the signed statement says something else';
    const pairs: readonly (readonly [string, unknown, unknown])[] = [
      ['verification.release_id', row.release_id, predicate.release.id],
      ['verification.profile_id', row.profile_id, predicate.profile.id],
      ['verification.tree_size', String(row.tree_size), results.treeSize],
      ['verification_outcome.result_root', base64(row.result_root), results.rootHash],
      ['verification_outcome.result', row.result, predicate.result],
      ['result_block.leaves', base64(rootHash), results.rootHash],
      ['verification_outcome.summary:counts', summary.counts, results.verdicts],
      ['verification_outcome.summary:scoreQuantiles', summary.scoreQuantiles, results.scoreQuantiles],
      ['verification_outcome.summary:reasons', summary.reasons, predicate.reasons],
      ['verification_outcome.summary:power', summary.power, predicate.power],
      ['verification_outcome.summary:controls', summary.controls, predicate.controls],
      ['verification_outcome.summary:requestTest', summary.requestTest ?? SINGLE_SAMPLES, testOf(predicate)],
      [
        'verification_outcome.summary:operatingFalsePositiveRate',
        summary.operatingFalsePositiveRate,
        predicate.operatingFalsePositiveRate,
      ],
    ];
    for (const [field, stored, said] of pairs) this.compare(field, stored, said, signed);
  }

  private compare(field: string, one: unknown, other: unknown, problem: string): void {
    // What is missing from a rewritten summary is not JSON.
    const differs = canonicalJson(one ?? null) !== canonicalJson(other ?? null);
    if (differs) this.report(this.verification.verification_id, field, problem);
  }
}
