/** The closed vocabularies of the API; each holds exactly the words that the libs use. */
import { type Role, ROLES } from '@app/access';
import { VERDICTS } from '@app/attestation';
import type { ArtifactBinding, SignalKind } from '@app/inference';
import {
  DRIFT_OUTCOMES,
  type DriftOutcome,
  ERASURE_REASONS,
  type ErasureReason,
  type VerificationCause,
  type VerificationResult,
  type VerificationStatus,
  WITHDRAWAL_REASONS,
  type WithdrawalReason,
} from '@app/persistence';
import type { ReferenceRole, SampleSetRole } from '@app/registry';
import type { GroupTest } from '@app/verification';
import { enumOf } from './scalars.js';

export const RoleEnum = enumOf<Role>('Role', ROLES, 'What a caller may do; see the README.');

export const SignalKindEnum = enumOf<SignalKind>(
  'SignalKind',
  ['loss', 'probability'],
  'What a model’s signals are: average token loss, or probability of the true class.',
);

export const ReferenceRoleEnum = enumOf<ReferenceRole>(
  'ReferenceRole',
  ['original', 'shadow'],
  'ORIGINAL: the model before unlearning (IN). SHADOW: a model never trained on the sample (OUT).',
);

export const ArtifactBindingEnum = enumOf<ArtifactBinding>(
  'ArtifactBinding',
  ['files', 'endpoint'],
  'FILES: the digest binds the model itself. ENDPOINT: only the address it answers under, which is weaker.',
);

export const SampleSetRoleEnum = enumOf<SampleSetRole>(
  'SampleSetRole',
  ['calibration', 'controls'],
  'CALIBRATION: never trained on. CONTROLS: still trained on.',
);

export const ErasureReasonEnum = enumOf<ErasureReason>(
  'ErasureReason',
  ERASURE_REASONS,
  'Why a deletion request was erased. No free text: it would stay in the event log for ever.',
);

export const WithdrawalReasonEnum = enumOf<WithdrawalReason>(
  'WithdrawalReason',
  WITHDRAWAL_REASONS,
  'Why a release was withdrawn. No free text: it would stay in the event log for ever.',
);

export const GroupTestEnum = enumOf<GroupTest>(
  'GroupTest',
  ['single-samples', 'whole-clusters', 'any-dependence'],
  'How a request is compared. SINGLE_SAMPLES: with groups of single samples, samples of a request taken to be unrelated. ' +
    'WHOLE_CLUSTERS: with whole clusters of related samples. ANY_DEPENDENCE: each sample alone, whatever binds those of ' +
    'a request; also what is left where single samples turn out to stick together.',
);

export const VerdictEnum = enumOf(
  'Verdict',
  VERDICTS,
  'What the evidence says about a commitment or request; never "proven".',
);

export const VerificationCauseEnum = enumOf<VerificationCause>(
  'VerificationCause',
  ['release', 'commitments', 'schedule', 'operator', 'signals', 'renewal'],
  'Why a verification was made: a new release, new commitments, the schedule, an operator, new signals, ' +
    'an attestation that would have expired.',
);

export const DriftOutcomeEnum = enumOf<DriftOutcome>(
  'DriftOutcome',
  DRIFT_OUTCOMES,
  'SAME: the endpoint says what it said. DIFFERENT: it does not, and is measured anew. UNREACHABLE: nobody answered.',
);

export const VerificationStatusEnum = enumOf<VerificationStatus>(
  'VerificationStatus',
  ['PLANNED', 'SCORING', 'CONCLUDING', 'CONCLUDED', 'ATTESTED', 'FAILED'],
  'How far a verification has come; FAILED means that it could not be carried out, not that residue was found.',
);

export const VerificationResultEnum = enumOf<VerificationResult>(
  'VerificationResult',
  ['PASSED', 'FAILED', 'INCONCLUSIVE'],
  'What a verification concluded about a release.',
);
