/**
 * Signs what a verification concluded and appends it to the event log: the daemon's part, for it holds the key. One
 * attestation a verification, chained to the model's previous one; the unique ordinal of a model's attestations guards
 * the chain when two daemons issue at once. Proven by test/medium/verification-attestation.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import {
  ATTESTATION_LEAF_TYPE,
  attestationDigest,
  formatAttestationContent,
  type KeySet,
  openAttestation,
  type Predicate,
  signAttestation,
  signDsse,
  type SigningKey,
  type Statement,
} from '@app/attestation';
import { CLOCK, type Clock, type JsonObject, LedgerService } from '@app/ledger';
import { DATABASE, type Database, type Tx } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { ENDPOINT_RUNTIMES } from '../endpoint-runtimes.js';
import { DriftCheckRepository } from '../endpoint/drift-check.repository.js';
import { VerificationError } from '../errors.js';
import { FactsRepository, type ReleaseFact } from '../facts.repository.js';
import { SignalBlockRepository } from '../live/signal-block.repository.js';
import { fixedSource, releaseSource, type SignalSource } from '../live/signal-source.js';
import type { ProfileDocument } from '../profile/profile-document.js';
import { ProfileService } from '../profile/profile.service.js';
import { recurrenceEvent, RecurrenceService } from '../recurrence.service.js';
import { type Outcome, ResultRepository } from '../result.repository.js';
import { type Verification, VerificationRepository } from '../verification.repository.js';
import { type Attestation, AttestationRepository } from './attestation.repository.js';
import { type EndpointState, type LogState, type Predecessor, statementOf } from './predicate.js';

/** What a daemon signs with. */
export interface AttestationSigner {
  readonly key: SigningKey;
  /** The published keys; a new attestation must verify against them before it is kept. */
  readonly keySet: KeySet;
  readonly verifier: Predicate['verifier'];
  /** From issue to expiry. */
  readonly validSeconds: number;
}

/** Injection token of the {@link AttestationSigner}. */
export const ATTESTATION_SIGNER = Symbol('ATTESTATION_SIGNER');

@Injectable()
export class AttestationIssuer {
  constructor(
    private readonly attestations: AttestationRepository,
    private readonly verifications: VerificationRepository,
    private readonly results: ResultRepository,
    private readonly facts: FactsRepository,
    private readonly profiles: ProfileService,
    private readonly recurrences: RecurrenceService,
    private readonly signals: SignalBlockRepository,
    private readonly checks: DriftCheckRepository,
    private readonly ledger: LedgerService,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ATTESTATION_SIGNER) private readonly signer: AttestationSigner,
  ) {}

  /**
   * Issues the attestation of a concluded verification; does nothing when there is one. A verification that a larger tree
   * or a change behind its endpoint overtook ends as VERIFICATION_SUPERSEDED and its release is planned again: no failure of this job.
   * @throws VERIFICATION_ATTESTATION_RACE, VERIFICATION_CHECKPOINT_MISSING (both retryable); AttestationError for a
   *   statement that contradicts itself
   */
  async issue(verificationId: string): Promise<void> {
    const verification = await this.verifications.find(verificationId);
    if (!verification) throw new VerificationError('VERIFICATION_UNKNOWN', 'there is no such verification');
    if (verification.progress.status === 'FAILED') return;
    const outcome = await this.results.outcome(verificationId);
    if (!outcome || (await this.attestations.ofVerification(verificationId))) return;
    const previous = await this.attestations.latest(verification.modelId);
    if (previous && (await this.treeSizeOf(previous)) > verification.treeSize)
      return this.supersede(verification, 'a larger tree was attested in between');
    if ((await this.checks.generation(verification.releaseId)) > verification.generation)
      return this.supersede(verification, 'what answers behind the endpoint was found to have changed');
    const statement = await this.state(verification, outcome, previous);
    await this.append(verification, statement, previous);
  }

  private async state(
    verification: Verification,
    outcome: Outcome,
    previous: Attestation | undefined,
  ): Promise<Statement> {
    const { modelId, releaseId, profileId, treeSize } = verification;
    const log = await this.logState(modelId, treeSize);
    const predecessor = previous ? await this.predecessor(verification, previous, log) : null;
    const [model, release, recordings, profile] = await Promise.all([
      this.facts.model(modelId),
      this.facts.release(releaseId),
      this.facts.recordingsOf(releaseId),
      this.profiles.get(profileId),
    ]);
    // A clock that was set back must not make an attestation older than its predecessor.
    const issuedAt = new Date(Math.max(this.clock().getTime(), previous?.issuedAt.getTime() ?? 0));
    return statementOf({
      verifier: this.signer.verifier,
      model: model!,
      release: release!,
      recordings,
      endpoint: await this.endpointState(release!, verification.generation, profile.document),
      runtimes: await this.runtimes(release!, verification.generation, profile.document),
      profile,
      log,
      outcome,
      predecessor,
      verifiedAt: issuedAt,
      expiresAt: new Date(issuedAt.getTime() + this.signer.validSeconds * 1000),
    });
  }

  /** The live models behind the signals, and what computed them on the commitments and the sample sets. */
  private async runtimes(
    release: ReleaseFact,
    generation: number,
    document: ProfileDocument,
  ): Promise<NonNullable<Predicate['runtimes']>> {
    const { modelId, references } = document;
    const { original, shadows } = references;
    const subjectIds = subjectIdsOf(document);
    const known = await this.facts.references(modelId);
    const used = (id: string): 'original' | 'shadow' | null =>
      id === original?.referenceId
        ? 'original'
        : shadows.some(({ referenceId }) => referenceId === id)
          ? 'shadow'
          : null;
    const models = [
      { ...release, role: 'release' as const },
      ...known.map((reference) => ({ ...reference, role: used(reference.referenceId) })),
    ];
    const sourceOf = ({ role, artifactDigest }: (typeof models)[number]): SignalSource =>
      role === 'release' ? releaseSource(release, generation) : fixedSource(artifactDigest);
    const runtimes: NonNullable<Predicate['runtimes']> = [];
    for (const model of models) {
      const { role, name, runtime, artifactDigest } = model;
      if (role === null || runtime === 'recorded') continue;
      const backends = await this.signals.backends(sourceOf(model).sourceDigest, subjectIds);
      runtimes.push({ role, name, sha256: artifactDigest, runtime, backends });
    }
    return runtimes;
  }

  /** As of when the endpoint's word stands; null for a release that is not behind one. */
  private async endpointState(
    release: ReleaseFact,
    generation: number,
    document: ProfileDocument,
  ): Promise<EndpointState | null> {
    if (!ENDPOINT_RUNTIMES.has(release.runtime)) return null;
    const { sourceDigest } = releaseSource(release, generation);
    const [lastCheck = null] = await this.checks.list({ releaseId: release.releaseId }, null, 1);
    return { measured: await this.signals.computedBetween(sourceDigest, subjectIdsOf(document)), lastCheck };
  }

  private async logState(modelId: string, treeSize: bigint): Promise<LogState & { readonly logId: number }> {
    const log = await this.ledger.commitmentLog(modelId);
    const checkpoint = await this.ledger.checkpoint(log, treeSize);
    if (checkpoint) return { ...checkpoint, logId: log.logId };
    throw new VerificationError(
      'VERIFICATION_CHECKPOINT_MISSING',
      'the verified tree size has no checkpoint',
      {
        retryable: true,
        details: { treeSize: String(treeSize) },
      },
    );
  }

  private async predecessor(
    verification: Verification,
    previous: Attestation,
    log: LogState & { readonly logId: number },
  ): Promise<Predecessor> {
    const treeSize = await this.treeSizeOf(previous);
    const { rootHash } = await this.logState(verification.modelId, treeSize);
    return {
      digest: previous.digest,
      treeSize,
      rootHash,
      consistency: await this.ledger.proveConsistency(log.logId, treeSize, log.treeSize),
    };
  }

  private async treeSizeOf({ verificationId }: Attestation): Promise<bigint> {
    return (await this.verifications.find(verificationId))!.treeSize;
  }

  /**
   * The release is verified again instead: no consistency proof leads to a smaller tree, and what an endpoint said before it
   * changed is no news.
   */
  private async supersede({ verificationId, releaseId, cause }: Verification, why: string): Promise<void> {
    const error = new VerificationError('VERIFICATION_SUPERSEDED', `${why}; the release is verified again`);
    await this.db.transaction().execute(async (tx) => {
      await this.verifications.fail(tx, verificationId, error, this.clock());
      await this.queue.send(tx, 'verification.plan', { releaseId, cause });
    });
  }

  private async append(
    verification: Verification,
    statement: Statement,
    previous: Attestation | undefined,
  ): Promise<void> {
    const { verificationId, modelId } = verification;
    const jws = await signAttestation(statement, this.signer.key);
    await openAttestation(jws, this.signer.keySet);
    const attestation = {
      attestationId: randomUUID(),
      verificationId,
      modelId,
      ordinal: previous ? previous.ordinal + 1 : 0,
      jws,
      dsse: signDsse(statement, this.signer.key),
      digest: attestationDigest(jws),
      previousDigest: previous?.digest ?? null,
      issuedAt: new Date(statement.predicate.verifiedAt),
      expiresAt: new Date(statement.predicate.expiresAt),
    };
    // Found before, and unchanged inside: whoever attests in between for this model breaks the chain and this append.
    const recurrences = await this.recurrences.detect(verification, attestation.issuedAt);
    await this.ledger.append({
      idempotency: null,
      events: [
        {
          type: ATTESTATION_LEAF_TYPE,
          subjectId: attestation.attestationId,
          content: JSON.parse(formatAttestationContent(jws, statement)) as JsonObject,
        },
        ...recurrences.map(recurrenceEvent),
      ],
      write: async (tx, placed) => {
        await this.requireChain(tx, attestation);
        await this.attestations.insert(tx, { ...attestation, eventIndex: placed.eventIndexes[0]! });
        for (const [i, recurrence] of recurrences.entries()) {
          await this.recurrences.insert(tx, { ...recurrence, eventIndex: placed.eventIndexes[i + 1]! });
        }
        await this.verifications.moveTo(tx, verificationId, 'ATTESTED', attestation.issuedAt);
        return null;
      },
    });
  }

  /** @throws VERIFICATION_ATTESTATION_RACE unless the attestation still follows the model's newest */
  private async requireChain(
    tx: Tx,
    { modelId, verificationId, previousDigest }: Omit<Attestation, 'eventIndex'>,
  ): Promise<void> {
    const newest = await this.attestations.latest(modelId, tx);
    const done = await this.attestations.ofVerification(verificationId, tx);
    if (!done && (newest?.digest ?? null) === previousDigest) return;
    throw new VerificationError(
      'VERIFICATION_ATTESTATION_RACE',
      'another attestation of the model was appended in the same moment',
      { retryable: true },
    );
  }
}

/** Under which the signals of the commitments and of the sample sets are cached. */
function subjectIdsOf({ modelId, controls, calibration }: ProfileDocument): string[] {
  return [modelId, controls.sampleSetId, calibration.sampleSetId];
}
