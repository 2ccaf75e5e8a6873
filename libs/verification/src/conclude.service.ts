/**
 * From a verification whose blocks are all there to its outcome, in one transaction: result blocks, request results,
 * root, figures, and the job that has it attested. Proven by test/medium/verification.spec.ts.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { DATABASE, type Database, type Tx } from '@app/persistence';
import { Queue } from '@app/queue';
import { HASH_BYTES } from '@app/tlog';
import { Inject, Injectable } from '@nestjs/common';
import { BlockFactsRepository } from './block-facts.repository.js';
import { fractions } from './block-scores.js';
import { type CommittedLeaves, decideCommitments, requestTestOf, ResultTree } from './conclusion.js';
import { DriftService } from './drift.service.js';
import { DriftCheckRepository } from './endpoint/drift-check.repository.js';
import { ErrorBudgetService } from './error-budget.service.js';
import { VerificationError } from './errors.js';
import { FactsRepository } from './facts.repository.js';
import { InFlight } from './live/in-flight.js';
import { UnscorableReasonsService } from './live/unscorable-reasons.service.js';
import { BLOCK_WIDTH, blocksOf, ERASED_SCORE } from './plan.js';
import {
  type MeasurementProfile,
  profileFindings,
  type ProfileFindings,
} from './profile/profile-document.js';
import { ProfileService } from './profile/profile.service.js';
import { readAhead } from './read-ahead.js';
import { ResultRepository } from './result.repository.js';
import { type StoredScores, StoredScoresService } from './stored-scores.service.js';
import { COMMITMENTS } from './subjects.js';
import {
  aucOfControls,
  attestedDrift,
  attestedPower,
  type VerificationSummary,
  warningsWith,
} from './summary.js';
import { type Decision } from './verdict.js';
import { isConcluded, type Verification, VerificationRepository } from './verification.repository.js';

/** Random bytes under which the leaves of one verification are blinded. */
const SECRET_BYTES = 32;

/** Blocks of leaves that PostgreSQL reads while one is looked at: to look at one takes less long than to read it. */
const READ_AHEAD = 2;

/** Leaves before anything is known of their scores. */
type Commitments = Omit<CommittedLeaves, 'scores'>;

/** What is told of the null hypotheses and of what they stand on. */
type NullFigures = Pick<
  VerificationSummary,
  'auc' | 'calibration' | 'controls' | 'drift' | 'endpointDrift' | 'requestTest' | 'unscorable'
> &
  ProfileFindings;

@Injectable()
export class ConcludeService {
  constructor(
    private readonly verifications: VerificationRepository,
    private readonly scores: StoredScoresService,
    private readonly results: ResultRepository,
    private readonly facts: FactsRepository,
    private readonly blocks: BlockFactsRepository,
    private readonly profiles: ProfileService,
    private readonly ledger: LedgerService,
    private readonly budgets: ErrorBudgetService,
    private readonly drifts: DriftService,
    private readonly checks: DriftCheckRepository,
    private readonly unscorables: UnscorableReasonsService,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Concludes the verification, or sends the jobs of blocks that are missing against expectation. Safe to repeat.
   * @throws VERIFICATION_UNKNOWN, VERIFICATION_RESULTS_CORRUPT
   */
  async run(verificationId: string): Promise<void> {
    const verification = await this.verifications.find(verificationId);
    if (!verification) throw new VerificationError('VERIFICATION_UNKNOWN', 'there is no such verification');
    if (isConcluded(verification)) return;
    const profile = await this.profiles.get(verification.profileId);
    const [scores, commitments] = await Promise.all([
      this.readScores(verification, profile),
      this.readCommitments(verification),
    ]);
    if (!scores) return;
    const leaves = await this.committedLeaves(verification, commitments, scores.get(COMMITMENTS)!);
    const nulls = await this.scores.nulls(profile, scores);
    const decision = decideCommitments(leaves, nulls, profile.document.decision, profile.digest);
    const tree = new ResultTree(leaves, decision, randomBytes(SECRET_BYTES));
    const drift = await this.drifts.check(verification, profile);
    const began = await this.checks.beginningOf(verification);
    const unscorable = await this.unscorables.count(verification, profile.document, leaves.scores);
    await this.db.transaction().execute(async (tx) => {
      await this.verifications.lock(tx, verificationId);
      const now = await this.verifications.find(verificationId, tx);
      if (!now || isConcluded(now)) return;
      await this.write(tx, now, leaves, decision, tree, (scored) => ({
        drift,
        ...profileFindings(profile.document),
        ...(began ? { endpointDrift: attestedDrift(began) } : {}),
        unscorable,
        auc: aucOfControls(fractions(nulls.controls), fractions(leaves.scores)),
        calibration: { mode: profile.document.calibration.mode, size: scored(nulls.calibration) },
        controls: { size: scored(nulls.controls) },
        requestTest: requestTestOf(decision, nulls),
      }));
      await this.verifications.moveTo(tx, verificationId, 'CONCLUDED', this.clock());
      await this.queue.send(tx, 'verification.attest', { verificationId });
    });
  }

  private async write(
    tx: Tx,
    verification: Verification,
    leaves: CommittedLeaves,
    decision: Decision,
    tree: ResultTree,
    nullFigures: (scored: (scores: Int32Array) => number) => NullFigures,
  ): Promise<void> {
    const { verificationId, requestedAt, progress } = verification;
    const writing = new InFlight(1);
    await this.writeBlocks(tx, verificationId, tree, writing);
    const requestResults = decision.requests.map(({ ordinal, thresholds: _limits, ...result }) => ({
      verificationId,
      requestId: leaves.requestIds[ordinal]!,
      ...result,
    }));
    await writing.add(() => this.results.insertRequestResults(tx, requestResults));
    await setImmediate();
    const { rootHash, scoreQuantiles } = tree.summary();
    const concludedAt = this.clock();
    const figures = nullFigures((scores) => scores.filter((score) => score >= 0).length);
    await writing.settle();
    const summary: VerificationSummary = {
      reasons: decision.reasons,
      warnings: warningsWith(decision.warnings, figures),
      counts: decision.counts,
      power: attestedPower(decision),
      operatingFalsePositiveRate: decision.operatingFalsePositiveRate,
      scoreQuantiles,
      releasePValue: decision.releasePValue,
      thresholds: decision.requests[0]?.thresholds ?? null,
      errorBudget: await this.budgets.spend(tx, verification, decision, concludedAt),
      ...figures,
      work: {
        blocks: progress.blocksTotal,
        blocksReused: progress.blocksReused,
        signalsRead: Number(progress.signalsRead),
        forwardPasses: Number(progress.forwardPasses),
        targetPasses: Number(progress.targetPasses),
        referencePasses: Number(progress.referencePasses),
        signalsReused: Number(progress.signalsReused),
        seconds: Math.max(0, concludedAt.getTime() - requestedAt.getTime()) / 1000,
      },
      blockRoots: tree.blockRoots,
    };
    const { result } = decision;
    await this.results.insertOutcome(tx, {
      verificationId,
      result,
      resultRoot: rootHash,
      summary,
      concludedAt,
    });
  }

  /** PostgreSQL has one block in hand while the next is made. */
  private async writeBlocks(
    tx: Tx,
    verificationId: string,
    tree: ResultTree,
    writing: InFlight,
  ): Promise<void> {
    for (const block of tree.blocks()) {
      if (block) await writing.add(() => this.results.insertBlock(tx, verificationId, block));
      // Without turns of the event loop nothing of it would be sent before the next one is made.
      await setImmediate();
    }
  }

  /** Scores of every subject in order, or null after sending the jobs of blocks that are not there. */
  private async readScores(
    verification: Verification,
    { document }: MeasurementProfile,
  ): Promise<StoredScores['scores'] | null> {
    const { scores, missing } = await this.scores.read(verification, document);
    if (missing.length === 0) return scores;
    await this.sendAgain(verification, missing);
    return null;
  }

  private async sendAgain({ verificationId, progress }: Verification, missing: StoredScores['missing']) {
    await this.db.transaction().execute(async (tx) => {
      const absent = missing.reduce((sum, { width }) => sum + BigInt(width), 0n);
      await this.verifications.recount(tx, verificationId, {
        blocks: progress.blocksTotal - missing.length,
        samples: progress.samplesTotal - absent,
      });
      for (const { job } of missing) await this.queue.send(tx, 'verification.block', job);
    });
  }

  /** Requests and hashes of the leaves, which nothing changes any more. */
  private async readCommitments({ modelId, treeSize }: Verification): Promise<Commitments> {
    const { logId } = await this.ledger.commitmentLog(modelId);
    const size = Number(treeSize);
    const requestOrdinal = new Int32Array(size);
    const leafHashes = new Uint8Array(size * HASH_BYTES);
    const ordinals = new Map<string, number>();
    const blocks = readAhead(blocksOf(size), READ_AHEAD, ({ blockIndex, width }) =>
      this.blocks.committedLeaves(logId, BigInt(blockIndex * BLOCK_WIDTH), width),
    );
    let index = 0;
    for await (const block of blocks) {
      leafHashes.set(block.leafHashes, index * HASH_BYTES);
      for (const requestId of block.requestIds) {
        const ordinal = ordinals.get(requestId) ?? ordinals.size;
        ordinals.set(requestId, ordinal);
        requestOrdinal[index] = ordinal;
        index += 1;
      }
    }
    if (index === size) return { requestIds: [...ordinals.keys()], requestOrdinal, leafHashes };
    throw new VerificationError(
      'VERIFICATION_RESULTS_CORRUPT',
      'the commitment log has fewer entries than its tree',
      {
        details: { entries: index, treeSize: size },
      },
    );
  }

  /**
   * The leaves with their scores. Which requests are erased is read in one statement and after the scores: a request that
   * is erased while this runs is erased as a whole or not at all, and a score from before its erasure does not count.
   */
  private async committedLeaves(
    { modelId }: Verification,
    commitments: Commitments,
    stored: Int32Array,
  ): Promise<CommittedLeaves> {
    const { logId } = await this.ledger.commitmentLog(modelId);
    const erased = await this.facts.erasedRequests(logId);
    const isErased = commitments.requestIds.map((requestId) => erased.has(requestId));
    const scores = stored.map((score, leaf) =>
      isErased[commitments.requestOrdinal[leaf]!] ? ERASED_SCORE : score,
    );
    return { ...commitments, scores };
  }
}
