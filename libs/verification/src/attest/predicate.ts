/**
 * What is signed about one verification, from what the ledger and the outcome say. Pure; proven by test/medium/verification-attestation.spec.ts.
 */
import { makeStatement, type Predicate, type Statement } from '@app/attestation';
import type { RecordedDriftCheck } from '../endpoint/drift-check.repository.js';
import type { ModelFact, RecordingFact, ReleaseFact } from '../facts.repository.js';
import { describeTest } from '../group-test.js';
import type { ListedProfile } from '../profile/profile.repository.js';
import type { Separations } from '../profile/separation.js';
import type { UnscorableReason } from '../live/unscorable-reasons.service.js';
import type { Outcome } from '../result.repository.js';
import type { AttestedDrift, VerificationSummary } from '../summary.js';
import type { ResultWarning } from '../verdict.js';

/** A signed size of the commitment log. */
export interface LogState {
  readonly origin: string;
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
  /** The signed note. */
  readonly note: string;
}

/** The attestation that the new one follows, and why its log is a prefix. */
export interface Predecessor {
  /** SHA-256 of its JWS, hexadecimal. */
  readonly digest: string;
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
  readonly consistency: readonly Uint8Array[];
}

export interface AttestedFacts {
  readonly verifier: Predicate['verifier'];
  readonly model: ModelFact;
  readonly release: ReleaseFact;
  /** Null where the release does not run behind an endpoint. */
  readonly endpoint: EndpointState | null;
  readonly recordings: readonly RecordingFact[];
  /** Empty where every signal was recorded. */
  readonly runtimes: NonNullable<Predicate['runtimes']>;
  readonly profile: ListedProfile;
  readonly log: LogState;
  readonly outcome: Outcome;
  readonly predecessor: Predecessor | null;
  readonly verifiedAt: Date;
  readonly expiresAt: Date;
}

/** As of when an endpoint's word stands. */
export interface EndpointState {
  /** When signals of the release were measured, as far as they count here: the first and the last time. */
  readonly measured: { readonly from: Date; readonly to: Date } | null;
  /** The newest drift check of the release. */
  readonly lastCheck: RecordedDriftCheck | null;
}

const RECORDED_NOTE =
  'Signals were recorded and handed in by the platform: that they come from this artifact, and that the artifact is what is served, rests on the platform.';

const FILES_NOTE =
  'The model was run from files with this manifest digest. That these files are what is served rests on the platform.';
const ENDPOINT_NOTE =
  'The model was asked through an endpoint, which is weaker than files: what answered it may change without notice, and may answer a test unlike everybody else.';

const WARNINGS: Readonly<Record<ResultWarning, (summary: VerificationSummary) => string>> = {
  OVER_UNLEARNED_REQUESTS: ({ counts: { requests } }) =>
    `${requests.OVER_UNLEARNED} deletion requests score above every never-trained sample: the unlearning itself may show.`,
  PARTIAL_RESIDUE_SUSPECTED: () =>
    'Some deletion requests score below the never-trained samples, though above the members.',
  LONE_RESIDUE_UNRESOLVED: ({ counts: { requests } }) =>
    `One deletion request with residue among ${tested(requests)} could not be told: the calibration set is too small for so small a p-value. Several could.`,
  CALIBRATION_DRIFTED: ({ drift }) =>
    'Calibration samples and committed samples differ under models that saw neither, by ' +
    `${(drift?.shift ?? 0).toFixed(2)} standard deviations on average (p = ${String(drift?.pValue ?? 0)}): the p-values compare unlike samples.`,
  CALIBRATION_UNKNOWN_TO_ORIGINAL: ({ separation }) => (separation ? separationSentence(separation) : ''),
  REFERENCE_BEHIND_ENDPOINT: ({ endpointReferences }) =>
    `${endpointReferences ?? 0} reference models were asked through endpoints: what answers there may change without notice, and is not ` +
    'asked again for what is known. No digest says which model their signals came from.',
  ENDPOINT_DRIFTED: ({ endpointDrift }) => (endpointDrift ? driftSentence(endpointDrift) : ''),
  NO_LONGER_VERIFIABLE_SAMPLES: ({ counts: { samples } }) =>
    `${samples.NO_LONGER_VERIFIABLE} committed samples can no longer be checked.`,
};

const separationSentence = ({ calibration, controls }: Separations): string =>
  `Of ${calibration.samples} calibration samples ${calibration.known} look more like members to the original model than to the shadow ` +
  `models, of ${controls.samples} controls ${controls.known}: where the original never saw a sample, its score means little.`;

function driftSentence({
  checkedAt,
  sampled,
  differing,
  largestDifference,
  errorCode,
}: AttestedDrift): string {
  const most = largestDifference === null ? '' : `, by up to ${largestDifference.toFixed(2)}`;
  const why = errorCode === null ? '' : ` (${errorCode})`;
  return (
    `What answers behind the endpoint has changed since the release was registered: on ${checkedAt}, ${differing} of ${sampled} known ` +
    `signals were others${most}${why}. All signals here are newer; earlier attestations of the release are of what answered before.`
  );
}

/** Requests that were held against the calibration set. */
const tested = (counts: VerificationSummary['counts']['requests']): number =>
  counts.NO_RESIDUAL_EVIDENCE + counts.RESIDUAL + counts.OVER_UNLEARNED + counts.INCONCLUSIVE;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

export function statementOf(facts: AttestedFacts): Statement {
  const { release, outcome } = facts;
  const { summary } = outcome;
  return makeStatement(release.artifactDigest, {
    verifier: facts.verifier,
    model: { id: facts.model.modelId, name: facts.model.name },
    release: {
      id: release.releaseId,
      name: release.name,
      registeredAt: release.registeredAt.toISOString(),
    },
    artifact: artifactOf(facts),
    commitmentLog: logOf(facts),
    results: {
      treeSize: String(facts.log.treeSize),
      rootHash: base64(outcome.resultRoot),
      verdicts: summary.counts,
      scoreQuantiles: summary.scoreQuantiles,
    },
    profile: profileOf(facts.profile),
    calibration: calibrationOf(facts),
    controls: summary.controls,
    requestTest: describeTest(summary.requestTest),
    operatingFalsePositiveRate: summary.operatingFalsePositiveRate,
    power: summary.power,
    ...(summary.errorBudget ? { errorBudget: summary.errorBudget } : {}),
    result: outcome.result,
    reasons: [...summary.reasons],
    warnings: [
      ...summary.warnings.map((warning) => WARNINGS[warning](summary)),
      ...(summary.unscorable ?? []).map(unscorableSentence),
    ],
    work: { signalsRead: summary.work.signalsRead, forwardPasses: summary.work.forwardPasses },
    ...(facts.runtimes.length > 0 ? { runtimes: [...facts.runtimes] } : {}),
    verifiedAt: facts.verifiedAt.toISOString(),
    expiresAt: facts.expiresAt.toISOString(),
    previousAttestation: facts.predecessor && { digest: facts.predecessor.digest },
  });
}

function unscorableSentence({ role, code, samples }: UnscorableReason): string {
  const model = role === 'release' ? 'the release' : 'a reference model';
  return `${samples} committed samples have no signal under ${model}: ${code}.`;
}

function asOf({ measured, lastCheck }: EndpointState): string {
  const since =
    measured && `It answered from ${measured.from.toISOString()} to ${measured.to.toISOString()}.`;
  return [since, lastCheck && checkSentence(lastCheck)]
    .filter(Boolean)
    .map((said) => ` ${said}`)
    .join('');
}

function checkSentence({ outcome, checkedAt, sampled, errorCode }: RecordedDriftCheck): string | null {
  const at = checkedAt.toISOString();
  switch (outcome) {
    case 'SAME':
      return `Asked again on ${at} for ${sampled} known signals, it said the same.`;
    case 'UNREACHABLE':
      return `When it was to be asked again on ${at}, it gave no answer (${errorCode ?? 'nothing to ask'}): whether it still says the same is unknown.`;
    case 'DIFFERENT':
      return null;
  }
}

function artifactOf({ release, recordings, endpoint }: AttestedFacts): Predicate['artifact'] {
  const { runtime, artifactDigest } = release;
  if (runtime === 'recorded') {
    const digests = recordings.map(({ part, digest }) => ({ name: `signals part ${part}`, sha256: digest }));
    return { kind: 'recorded-signals', digests, note: RECORDED_NOTE };
  }
  const digests = [{ name: 'artifact manifest', sha256: artifactDigest }];
  return endpoint
    ? { kind: 'endpoint', digests, note: `${ENDPOINT_NOTE}${asOf(endpoint)}` }
    : { kind: 'files', digests, note: FILES_NOTE };
}

function logOf({ log, predecessor }: AttestedFacts): Predicate['commitmentLog'] {
  return {
    origin: log.origin,
    treeSize: String(log.treeSize),
    rootHash: base64(log.rootHash),
    checkpoint: log.note,
    consistency: predecessor && {
      fromSize: String(predecessor.treeSize),
      fromRoot: base64(predecessor.rootHash),
      proof: predecessor.consistency.map(base64),
    },
  };
}

function profileOf({ profileId, digest, document }: ListedProfile): Predicate['profile'] {
  const { references, measurement, decision } = document;
  return {
    id: profileId,
    digest,
    parameters: {
      ...measurement,
      ...decision,
      shadows: references.shadows.length,
      scaleSamples: document.scale.samples,
    },
  };
}

function calibrationOf({ profile, outcome }: AttestedFacts): Predicate['calibration'] {
  const { calibration } = profile.document;
  return {
    ...outcome.summary.calibration,
    ...(calibration.mode === 'frozen' ? { trustedUnder: calibration.trustedUnder } : {}),
  };
}
