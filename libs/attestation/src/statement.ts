/**
 * The statement of one verification: an in-toto Statement v1 about a release's artifact digest whose
 * predicate says which commitments were checked, how, how strongly, and what came out. Sources: in-toto
 * attestation framework (Statement v1); field names for verifier, time and inputs follow SLSA's VSA.
 * Reading is strict: a field this version does not know is refused, because a reader who ignores a field
 * may ignore a restriction. Proven by statement.spec.ts.
 */
import { canonicalJson } from '@app/tlog';
import { z } from 'zod';
import { refusal } from './errors.js';
import type { Document } from './reading.js';
import { readCanonical, readShape } from './reading.js';
import {
  count,
  decimal,
  fraction,
  hash,
  hashPath,
  instant,
  millionths,
  name,
  origin,
  reasonCode,
  sentence,
  sha256Hex,
} from './fields.js';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** Names the meaning of the predicate; a change of meaning is a new number at the end, never an edit. */
export const PREDICATE_TYPE = 'https://lacuna.dev/attestations/unlearning-completeness/v1';

/** The words of a verdict, in the order in which tables show them. */
export const VERDICTS = [
  'NO_RESIDUAL_EVIDENCE',
  'RESIDUAL',
  'OVER_UNLEARNED',
  'INCONCLUSIVE',
  'UNSCORABLE',
  'NO_LONGER_VERIFIABLE',
  'NOT_APPLICABLE',
] as const;
export type Verdict = (typeof VERDICTS)[number];

export const verdictSchema = z.enum(VERDICTS);

/** Every verdict has a count, zero included: a missing line could hide one. */
const verdictCounts = z.record(verdictSchema, count);
export type VerdictCounts = z.infer<typeof verdictCounts>;

const scoreQuantilesSchema = z
  .strictObject({
    scored: count.min(1),
    min: millionths,
    p05: millionths,
    p25: millionths,
    p50: millionths,
    p75: millionths,
    p95: millionths,
    max: millionths,
  })
  .nullable();
/**
 * Nearest-rank quantiles of the completeness scores in millionths (1,000,000 = as if never trained on),
 * over the `scored` leaves that have a score; null when none has.
 */
export type ScoreQuantiles = z.infer<typeof scoreQuantilesSchema>;

const digestEntry = z.strictObject({ name, sha256: sha256Hex });

/** How the statement's subject is tied to what was measured; `note` says in words what that does not bind. */
const artifactSchema = z
  .strictObject({
    kind: z.enum(['files', 'endpoint', 'recorded-signals']),
    digests: z.array(digestEntry).max(4096),
    note: sentence,
  })
  .refine((artifact) => artifact.kind === 'endpoint' || artifact.digests.length > 0, {
    path: ['digests'],
    message: 'files and recorded signals are named by at least one digest',
  });

const commitmentLogSchema = z.strictObject({
  origin,
  treeSize: decimal,
  rootHash: hash,
  checkpoint: z.string().min(1).max(65_536),
  consistency: z.strictObject({ fromSize: decimal, fromRoot: hash, proof: hashPath }).nullable(),
});

const resultsSchema = z.strictObject({
  treeSize: decimal,
  rootHash: hash,
  verdicts: z.strictObject({ samples: verdictCounts, requests: verdictCounts }),
  scoreQuantiles: scoreQuantilesSchema,
});

const rateFields = { rate: fraction, low: fraction, high: fraction, trials: count.min(1) };
const ordered = (rate: { low: number; rate: number; high: number }): boolean =>
  rate.low <= rate.rate && rate.rate <= rate.high;

/**
 * Measured power: the rate at which controls, samples known to be trained on, are detected at the operating
 * false-positive rate, with a two-sided Clopper-Pearson interval at `confidence`.
 */
const powerSchema = z.strictObject({
  perRequest: z
    .strictObject({ ...rateFields, groupSize: count.min(1) })
    .refine(ordered, 'low <= rate <= high'),
  perSample: z.strictObject(rateFields).refine(ordered, 'low <= rate <= high'),
  confidence: fraction,
});

/**
 * What the release's p-value was held to, so that a thousand sound releases do not make a thousand alarms: level and
 * alarm by `rule` (LOND for positive dependence) at the place of the release in its epoch of `horizon` releases. The
 * p-value is that of the release's first verification; `spentHere` says whether this is that one.
 */
const errorBudgetSchema = z
  .strictObject({
    rule: name,
    target: fraction,
    horizon: count.min(1),
    epoch: count,
    place: count,
    alarmsBefore: count,
    pValue: fraction,
    level: fraction,
    alarm: z.boolean(),
    spentHere: z.boolean(),
  })
  .refine(({ pValue, level, alarm }) => alarm === pValue <= level, {
    path: ['alarm'],
    message: 'an alarm is a p-value at or below its level',
  });

/**
 * What the p-values of deletion requests stand on: which things are taken to be exchangeable under a null hypothesis, in
 * one word and in a sentence, and how many clusters there were to compare with: whole ones, or one sample of each.
 * Statements without it compared single samples.
 */
const requestTestSchema = z
  .strictObject({
    groupTest: z.enum(['single-samples', 'whole-clusters', 'any-dependence']),
    assumption: sentence,
    clusters: z.strictObject({ calibration: count, controls: count }).exactOptional(),
  })
  .refine(
    ({ groupTest, clusters }) =>
      groupTest === 'any-dependence' || (clusters !== undefined) === (groupTest === 'whole-clusters'),
    {
      path: ['clusters'],
      message: 'clusters are counted where whole clusters were compared, and never where single samples were',
    },
  );

/** What ran one of the models whose signals were measured: the kind of artifact, and what computed. */
const runtimeSchema = z.strictObject({
  role: z.enum(['release', 'original', 'shadow']),
  name,
  sha256: sha256Hex,
  /** `onnx`, `tfjs`, `open-inference`, `openai-completions`. */
  runtime: name,
  backends: z.array(sentence).max(64),
});

const predicateSchema = z.strictObject({
  verifier: z.strictObject({ id: name, version: name }),
  model: z.strictObject({ id: name, name }),
  release: z.strictObject({ id: name, name, registeredAt: instant }),
  artifact: artifactSchema,
  commitmentLog: commitmentLogSchema,
  results: resultsSchema,
  profile: z.strictObject({ id: name, digest: sha256Hex, parameters: z.record(z.string(), z.json()) }),
  calibration: z.strictObject({
    mode: z.enum(['frozen', 'same-release']),
    size: count,
    /** The release under which a frozen calibration set was scored: the one that is trusted never to have seen it. */
    trustedUnder: name.exactOptional(),
  }),
  controls: z.strictObject({ size: count }),
  requestTest: requestTestSchema.exactOptional(),
  operatingFalsePositiveRate: fraction,
  power: powerSchema.nullable(),
  /** Absent while no request of the release could be tested. */
  errorBudget: errorBudgetSchema.exactOptional(),
  result: z.enum(['PASSED', 'FAILED', 'INCONCLUSIVE']),
  reasons: z.array(reasonCode).max(64),
  warnings: z.array(sentence).max(64),
  work: z.strictObject({ signalsRead: count, forwardPasses: count }),
  /** Models that were run; absent where every signal was recorded. */
  runtimes: z.array(runtimeSchema).min(1).max(1024).exactOptional(),
  verifiedAt: instant,
  expiresAt: instant,
  previousAttestation: z.strictObject({ digest: sha256Hex }).nullable(),
});

const statementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z
    .array(z.strictObject({ name, digest: z.strictObject({ sha256: sha256Hex }) }))
    .length(1, 'exactly one release'),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: predicateSchema,
});

export type Predicate = z.infer<typeof predicateSchema>;
export type Statement = z.infer<typeof statementSchema>;

/** `predicate` as a statement about the release artifact with digest `artifactSha256` (hexadecimal). */
export function makeStatement(artifactSha256: string, predicate: Predicate): Statement {
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: predicate.release.name, digest: { sha256: artifactSha256 } }],
    predicateType: PREDICATE_TYPE,
    predicate,
  };
}

const document: Document = { code: 'ATTESTATION_MALFORMED', what: 'the statement' };

/**
 * The bytes that are signed: the statement as canonical JSON (RFC 8785).
 * @throws ATTESTATION_MALFORMED when the shape is wrong, ATTESTATION_STATEMENT_INVALID or
 *   ATTESTATION_RESULTS_INCOMPLETE when it contradicts itself: nonsense is never signed.
 */
export function formatStatement(statement: Statement): string {
  const text = canonicalJson(readShape(statementSchema, statement, document));
  checkStatement(statement);
  return text;
}

/**
 * The statement in `text`, which must be canonical JSON of exactly the known shape.
 * @throws as {@link formatStatement}.
 */
export function parseStatement(text: string): Statement {
  const statement = readCanonical(statementSchema, text, document);
  checkStatement(statement);
  return statement;
}

/**
 * Returns when the statement agrees with itself: results are complete, times run forward, the result does
 * not contradict the verdicts, the origin is the model's own log and the chain to a predecessor is whole.
 */
function checkStatement(statement: Statement): void {
  const { predicate } = statement;
  checkCompleteness(predicate);
  checkResult(predicate);
  const contradiction = (where: string, message: string) =>
    refusal(
      'ATTESTATION_STATEMENT_INVALID',
      `predicate.${where}`,
      `the statement contradicts itself: ${message}`,
    );
  if (predicate.expiresAt <= predicate.verifiedAt)
    throw contradiction('expiresAt', 'it expires before it was verified');
  if (predicate.release.registeredAt > predicate.verifiedAt)
    throw contradiction('verifiedAt', 'it was verified before the release was registered');
  if (!predicate.commitmentLog.origin.endsWith(commitmentLogSuffix(predicate.model.id)))
    throw contradiction('commitmentLog.origin', `the log is not that of model ${predicate.model.id}`);
  if ((predicate.previousAttestation === null) !== (predicate.commitmentLog.consistency === null))
    throw contradiction(
      'previousAttestation',
      'a previous attestation and a consistency proof from it come together or not at all',
    );
}

/** The completeness equality: as many results as commitments, and as many verdicts as results. */
function checkCompleteness({ commitmentLog, results }: Predicate): void {
  if (results.treeSize !== commitmentLog.treeSize)
    throw refusal(
      'ATTESTATION_RESULTS_INCOMPLETE',
      'predicate.results.treeSize',
      `${commitmentLog.treeSize} commitments but ${results.treeSize} results`,
    );
  const samples = total(results.verdicts.samples);
  if (String(samples) !== results.treeSize)
    throw refusal(
      'ATTESTATION_RESULTS_INCOMPLETE',
      'predicate.results.verdicts.samples',
      `${results.treeSize} results but ${samples} verdicts`,
    );
}

/** A pass with residual or unscorable commitments, or without measured power, is no pass. */
function checkResult({ result, results, power }: Predicate): void {
  const { samples, requests } = results.verdicts;
  const where = 'predicate.result';
  const invalid = (message: string) => refusal('ATTESTATION_STATEMENT_INVALID', where, message);
  if (total(requests) > total(samples)) throw invalid('more requests than samples have a verdict');
  if (result !== 'PASSED') return;
  if (samples.RESIDUAL + requests.RESIDUAL > 0) throw invalid('PASSED, yet commitments are RESIDUAL');
  if (samples.UNSCORABLE + requests.UNSCORABLE > 0) throw invalid('PASSED, yet commitments are UNSCORABLE');
  if (power === null) throw invalid('PASSED, yet no power was measured: nothing could have been found');
}

/** How many verdicts there are in all. */
export function total(counts: VerdictCounts): number {
  return VERDICTS.reduce((sum, verdict) => sum + counts[verdict], 0);
}

/** The end of a commitment log's origin, `<ledger-name>/<model-id>/commitments`. */
function commitmentLogSuffix(modelId: string): string {
  return `/${modelId}/commitments`;
}

/** The origin of the event log of the ledger that holds the attested commitment log. */
export function eventLogOrigin({ commitmentLog, model }: Predicate): string {
  return `${commitmentLog.origin.slice(0, -commitmentLogSuffix(model.id).length)}/events`;
}
