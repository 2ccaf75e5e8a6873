/**
 * Stored scores of sample sets, which no attested leaf repeats, against the signals they were computed from: each is
 * computed again. A sample without a score may have got a signal since; where a block was made from the signals that are
 * known now, it may not. Proven by test/medium/verification-audit.spec.ts.
 */
import { CodedError } from '@app/errors';
import { RecordingRepository, RecordingService } from '@app/inference';
import type { AuditFinding } from '@app/ledger';
import type { Database, Tables } from '@app/persistence';
import type { Selectable } from 'kysely';
import { BlockFactsRepository } from '../block-facts.repository.js';
import { decodedScores } from '../block-scores.js';
import { type ReferenceValues, scoreSamples } from '../block.js';
import { FactsRepository } from '../facts.repository.js';
import { SignalBlockRepository } from '../live/signal-block.repository.js';
import { BLOCK_WIDTH, UNSCORABLE_SCORE } from '../plan.js';
import type { MeasurementProfile } from '../profile/profile-document.js';
import { ProfileRepository } from '../profile/profile.repository.js';
import { referenceIds } from '../profile/reference-ids.js';
import {
  blockInputs,
  liveOrigins,
  originsOf,
  type SignalInputs,
  SignalsService,
  type WantedSamples,
} from '../signals.service.js';
import { COMMITMENTS, subjectsOf } from '../subjects.js';

type BlockRow = Pick<
  Selectable<Tables['score_block']>,
  'release_id' | 'generation' | 'width' | 'inputs' | 'scores' | 'unscorable'
>;
type BlockPlace = Pick<Selectable<Tables['score_block']>, 'profile_id' | 'subject' | 'block_index'>;

/** One block of a set under one profile at a time, of every release. */
export async function auditSetScores(db: Database): Promise<AuditFinding[]> {
  const places = await db
    .selectFrom('score_block')
    .select(['profile_id', 'subject', 'block_index'])
    .distinct()
    .where('subject', '!=', COMMITMENTS)
    .execute();
  const findings: AuditFinding[] = [];
  for (const place of places) findings.push(...(await new SetBlockAudit(db, place).run()));
  return findings;
}

class SetBlockAudit {
  private readonly findings: AuditFinding[] = [];
  private readonly facts: FactsRepository;
  private readonly cache: SignalBlockRepository;
  private readonly signals: SignalsService;

  constructor(
    private readonly db: Database,
    private readonly place: BlockPlace,
  ) {
    // Nothing is uploaded by it.
    const recordings = new RecordingService(new RecordingRepository(db), { LACUNA_UPLOAD_MAX_BYTES: 0 });
    this.facts = new FactsRepository(db);
    this.cache = new SignalBlockRepository(db);
    this.signals = new SignalsService(this.facts, recordings, this.cache);
  }

  async run(): Promise<readonly AuditFinding[]> {
    const profile = await this.profile();
    const samples = profile && (await this.samples(profile));
    if (!samples) return this.findings;
    let references: ReferenceValues | null = null;
    for (const row of await this.rows()) {
      const stray = await this.stray(row);
      if (stray) {
        this.report(row.release_id, ...stray);
        continue;
      }
      const target = { releaseId: row.release_id, generation: row.generation };
      const inputs = await this.signals.inputs(target, referenceIds(profile.document));
      references ??= await this.signals.references(inputs, samples);
      const again = scoreSamples(await this.signals.values(inputs.target, samples), references, {
        parameters: profile.document.measurement,
        scale: profile.scale,
      });
      this.compare(row, again, {
        isCurrent: Buffer.from(row.inputs).toString('hex') === (await this.digest(inputs)),
        isLive: liveOrigins(originsOf(inputs)).length > 0,
      });
    }
    return this.findings;
  }

  private report(release: string, column: string, problem: string): void {
    const index = `${release}/${this.place.subject}/${this.place.block_index}`;
    this.findings.push({ log: 'score_block', index, field: `score_block.${column}`, problem });
  }

  /** Reports what no release is needed to see. */
  private nothing(column: string, problem: string): null {
    this.report('-', column, problem);
    return null;
  }

  /** Null where there is none; one that does not have its digest is a finding of its own, elsewhere. */
  private async profile(): Promise<MeasurementProfile | null> {
    try {
      const profile = await new ProfileRepository(this.db).find(this.place.profile_id);
      return profile ?? this.nothing('profile_id', 'there is no such profile');
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  /** Null where the profile has no such block; a set that lost members is a finding of its own, elsewhere. */
  private async samples({ document }: MeasurementProfile): Promise<WantedSamples | null> {
    const { subject, block_index: blockIndex } = this.place;
    const set = subjectsOf(document, 0n).find(({ name }) => name === subject);
    if (!set) return this.nothing('subject', 'the profile scores no such set');
    const from = blockIndex * BLOCK_WIDTH;
    const width = Math.min(BLOCK_WIDTH, set.size - from);
    if (width <= 0) return this.nothing('block_index', 'the set has no such block');
    const sampleIds = await new BlockFactsRepository(this.db).setMembers(subject, from, width);
    const positions = sampleIds.map((_id, i) => from + i);
    return sampleIds.length === width ? { subjectId: subject, positions, sampleIds } : null;
  }

  private rows(): Promise<BlockRow[]> {
    const { profile_id: profileId, subject, block_index: blockIndex } = this.place;
    return this.db
      .selectFrom('score_block')
      .select(['release_id', 'generation', 'width', 'inputs', 'scores', 'unscorable'])
      .where('profile_id', '=', profileId)
      .where('subject', '=', subject)
      .where('block_index', '=', blockIndex)
      .execute();
  }

  /** Scores are computed for verifications: column and problem of a row that belongs to none. */
  private async stray({ release_id: releaseId, generation }: BlockRow): Promise<[string, string] | null> {
    if (!(await this.facts.release(releaseId))) return ['release_id', 'there is no such release'];
    const verification = await this.db
      .selectFrom('verification')
      .select('verification_id')
      .where('release_id', '=', releaseId)
      .where('generation', '=', generation)
      .where('profile_id', '=', this.place.profile_id)
      .limit(1)
      .executeTakeFirst();
    return verification ? null : ['generation', 'no verification stands on this generation'];
  }

  /** What a block made from the signals that are known now has as its inputs, hexadecimal. */
  private async digest(inputs: SignalInputs): Promise<string> {
    const sources = liveOrigins(originsOf(inputs)).map(({ sourceDigest }) => sourceDigest);
    const serving = await this.cache.versions(sources, this.place.subject);
    return blockInputs(
      inputs,
      serving.map((versions) => versions.get(this.place.block_index)),
    );
  }

  private compare(
    row: BlockRow,
    again: Int32Array,
    { isCurrent, isLive }: { readonly isCurrent: boolean; readonly isLive: boolean },
  ): void {
    const report = (column: string, problem: string) => this.report(row.release_id, column, problem);
    const scores = decodedScores(row.scores);
    if (!scores) return report('scores', 'holds something else than scores');
    if (scores.length !== again.length || row.width !== again.length)
      return report('width', `the block has ${again.length} samples`);
    const missing = scores.filter((score) => score === UNSCORABLE_SCORE).length;
    if (missing !== row.unscorable) report('unscorable', `${missing} scores are missing`);
    const differing = scores.findIndex((score, i) => {
      if (score === UNSCORABLE_SCORE) return isCurrent && again[i] !== score;
      // Signals of live models may be gone with a sample that was erased; audit-signal-blocks.ts tells those apart.
      return again[i] !== score && !(isLive && again[i] === UNSCORABLE_SCORE);
    });
    if (differing >= 0) report('scores', `the score at place ${differing} does not follow from the signals`);
  }
}
