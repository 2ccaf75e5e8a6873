/** Cached signals of live models: consistent in themselves, and the scores they gave follow from them. */
import { CodedError } from '@app/errors';
import type { AuditFinding } from '@app/ledger';
import type { Database } from '@app/persistence';
import { decodedScores } from '../block-scores.js';
import { scoreSamples } from '../block.js';
import { decodeSignals, SAMPLE_ERASED, type SignalBlock, unpackReasons } from '../live/signal-block.js';
import { SignalBlockRepository } from '../live/signal-block.repository.js';
import { releaseSource } from '../live/signal-source.js';
import type { MeasurementProfile } from '../profile/profile-document.js';
import { ProfileRepository } from '../profile/profile.repository.js';
import { referenceIds } from '../profile/reference-ids.js';
import { subjectIdOf, subjectsOf } from '../subjects.js';

const RECORDED = 'recorded';

export async function auditSignalBlocks(db: Database): Promise<AuditFinding[]> {
  const cache = new SignalBlockRepository(db);
  const findings: AuditFinding[] = [];
  for (const key of await signalKeys(db)) findings.push(...(await auditVersion(db, cache, key)));
  for (const pair of await scoredPairs(db)) findings.push(...(await new ScoreAudit(db, cache, pair).run()));
  return findings;
}

interface VersionKey {
  readonly source_digest: Uint8Array;
  readonly subject_id: string;
  readonly block_index: number;
  readonly width: number;
  readonly unscorable: number;
}

function signalKeys(db: Database): Promise<VersionKey[]> {
  return db
    .selectFrom('signal_block')
    .select(['source_digest', 'subject_id', 'block_index', 'width', 'unscorable'])
    .orderBy('subject_id')
    .orderBy('block_index')
    .execute();
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A signal is there exactly where no reason is, and no version of a block contradicts the one that serves. */
async function auditVersion(
  db: Database,
  cache: SignalBlockRepository,
  key: VersionKey,
): Promise<AuditFinding[]> {
  const sourceDigest = hex(key.source_digest);
  const row = await db
    .selectFrom('signal_block')
    .select(['values', 'reasons'])
    .where('source_digest', '=', key.source_digest)
    .where('subject_id', '=', key.subject_id)
    .where('block_index', '=', key.block_index)
    .where('width', '=', key.width)
    .where('unscorable', '=', key.unscorable)
    .executeTakeFirstOrThrow();
  const index = `${sourceDigest}/${key.subject_id}/${key.block_index}`;
  const finding = (column: string, problem: string): AuditFinding[] => [
    { log: 'signal_block', index, field: `signal_block.${column}`, problem },
  ];
  const values = decodeSignals(row.values, key.width);
  const codes = unpackReasons(row.reasons, key.width);
  const missing = values.filter(Number.isNaN).length;
  if (missing !== key.unscorable) return finding('unscorable', `${missing} signals are missing`);
  if (codes.some((code, i) => (code === undefined) === Number.isNaN(values[i])))
    return finding('reasons', 'signals are missing without a reason, or have one');
  const serving = await cache.best({ sourceDigest, subjectId: key.subject_id }, key.block_index);
  const contradicts = values.some((value, i) => {
    const served = serving?.values[i] ?? NaN;
    return !Number.isNaN(value) && !Number.isNaN(served) && value !== served;
  });
  return contradicts ? finding('values', `width ${key.width}: differs from a later version`) : [];
}

interface ScoredPair {
  readonly release_id: string;
  readonly generation: number;
  readonly profile_id: string;
  readonly model_id: string;
  readonly runtime: string;
  readonly artifact_digest: Uint8Array;
}

/** Generations of live releases' signals and the profiles under which they were scored. */
function scoredPairs(db: Database): Promise<ScoredPair[]> {
  return db
    .selectFrom('score_block')
    .innerJoin('release', 'release.release_id', 'score_block.release_id')
    .select(['score_block.release_id', 'generation', 'profile_id', 'model_id', 'runtime', 'artifact_digest'])
    .distinct()
    .where('runtime', '!=', RECORDED)
    .execute();
}

class ScoreAudit {
  constructor(
    private readonly db: Database,
    private readonly cache: SignalBlockRepository,
    private readonly pair: ScoredPair,
  ) {}

  async run(): Promise<AuditFinding[]> {
    const profile = await this.readProfile();
    const references = profile && (await this.liveReferences(profile));
    if (!references) return [];
    const findings: AuditFinding[] = [];
    const blocks = await this.db
      .selectFrom('score_block')
      .select(['subject', 'block_index', 'scores'])
      .where('release_id', '=', this.pair.release_id)
      .where('generation', '=', this.pair.generation)
      .where('profile_id', '=', this.pair.profile_id)
      .execute();
    const known = subjectsOf(profile.document, 0n).map(({ name }) => name);
    // Blocks of other subjects are found with the scores of the sets.
    for (const block of blocks.filter(({ subject }) => known.includes(subject))) {
      const problem = await this.compare(profile, references, block);
      if (problem === null) continue;
      const index = `${this.pair.release_id}/${block.subject}/${block.block_index}`;
      findings.push({ log: 'signal_block', index, field: 'signal_block.values', problem });
    }
    return findings;
  }

  /** A profile that does not have its digest is a finding of its own, elsewhere. */
  private async readProfile(): Promise<MeasurementProfile | null> {
    try {
      return (await new ProfileRepository(this.db).find(this.pair.profile_id)) ?? null;
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  /** Digests of the references, the shadows first; null where one was recorded: then signals are not all cached here. */
  private async liveReferences({ document }: MeasurementProfile): Promise<string[] | null> {
    const { original, shadows } = referenceIds(document);
    const ids = [...shadows, ...(original === null ? [] : [original])];
    const rows = await this.db
      .selectFrom('reference')
      .select(['reference_id', 'artifact_digest', 'runtime'])
      .where('reference_id', 'in', ids)
      .execute();
    const digests = ids.map((id) => rows.find((row) => row.reference_id === id && row.runtime !== RECORDED));
    return digests.every((row) => row !== undefined) ? digests.map((row) => hex(row.artifact_digest)) : null;
  }

  private targetDigest(): string {
    const { artifact_digest: digest, release_id: releaseId, generation, runtime } = this.pair;
    return releaseSource({ artifactDigest: hex(digest), releaseId, runtime }, generation).sourceDigest;
  }

  private async compare(
    { document, scale }: MeasurementProfile,
    references: readonly string[],
    block: { readonly subject: string; readonly block_index: number; readonly scores: Uint8Array },
  ): Promise<string | null> {
    const subjectId = subjectIdOf(block.subject, this.pair.model_id);
    const digests = [this.targetDigest(), ...references];
    const cached = await Promise.all(
      digests.map((sourceDigest) => this.cache.best({ sourceDigest, subjectId }, block.block_index)),
    );
    const scores = decodedScores(block.scores);
    // That, too, is found with the scores themselves.
    if (!scores) return null;
    if (!cached.every((found): found is SignalBlock => found !== undefined && found.width >= scores.length))
      return 'signals behind stored scores are gone';
    const [target, ...others] = cached.map(({ values }) => values.subarray(0, scores.length));
    const shadows = others.slice(0, document.references.shadows.length);
    const original = others[shadows.length] ?? null;
    const parameters = { parameters: document.measurement, scale };
    const again = scoreSamples(target!, { original, shadows }, parameters);
    const erased = cached.map(({ reasons, width }) => unpackReasons(reasons, width));
    const differing = scores.findIndex(
      (score, i) => score >= 0 && score !== again[i] && !erased.some((codes) => codes[i] === SAMPLE_ERASED),
    );
    return differing < 0 ? null : `the score at place ${differing} does not follow from the signals`;
  }
}
