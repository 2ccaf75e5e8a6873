/**
 * One table for any release: how well IAM and the second opinions tell retained from forgotten samples, from raw signals
 * alone. What `lacuna score` prints and plots. Proven by score-board.spec.ts, on the real MUSE-News losses too.
 */
import { IamError } from './errors.js';
import { SignalMoments } from './moments.js';
import { DEFAULT_PARAMETERS, type IamParameters, type SignalKind } from './parameters.js';
import { scorePooled } from './pooled.js';
import { bootstrapRoc, DEFAULT_BOOTSTRAP_RESAMPLES, type Interval } from './roc-bootstrap.js';
import { auc, rocCurve, tprAtFpr, type Labels, type RocCurve } from './roc.js';
import { freezeScale, type FrozenScale } from './scale.js';
import { scoreFrozen } from './score.js';
import { secondOpinions, type RawSignals } from './second-opinions.js';
import { transformSignal } from './signals.js';

export interface ScoreBoardInput extends RawSignals {
  /** True or 1 = retained in training, false or 0 = asked to be forgotten, `[samples]`. */
  readonly labels: Labels;
  readonly kind: SignalKind;
  /** Consecutive samples that share a spread under `iam_batch`. The published tables have 64. */
  readonly batch?: number;
  /** Scale of `iam_frozen`, for instance a profile's; by default frozen from these very samples. */
  readonly scale?: FrozenScale;
  readonly parameters?: IamParameters;
  /** Bootstrap resamples behind the intervals, >= 2. */
  readonly resamples?: number;
  readonly seed?: string | number;
}

/** One line of the board. */
export interface ScoreBoardRow {
  readonly auc: number;
  readonly aucInterval: Interval;
  /** By false-positive rate, '0.1' and '0.01'. */
  readonly tpr: Readonly<Record<string, number>>;
  readonly tprInterval: Readonly<Record<string, Interval>>;
  readonly curve: RocCurve;
  /** Score of each sample on the board, higher = more like a member, `[scored]`. */
  readonly membership: Float64Array;
}

export interface ScoreBoard {
  readonly scored: number;
  /** Samples left out of every line, because a signal or a score of theirs is not a number. */
  readonly unscorable: number;
  /** Of the scored samples. */
  readonly retained: number;
  /** Labels of the scored samples, 1 = retained, `[scored]`. */
  readonly labels: Uint8Array;
  /** `loss, ratio, difference, lira, ratio_online, lira_online, update_lira, iam_batch, iam_whole, iam_frozen`. */
  readonly rows: Readonly<Record<string, ScoreBoardRow>>;
  /** AUC of each line: the chance that a retained sample looks more like a member than a forgotten one. */
  readonly auc: Readonly<Record<string, number>>;
  /** TPR of each line at FPR 0.1 and 0.01; positives are the retained samples. */
  readonly tpr: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const FALSE_POSITIVE_RATES = [0.1, 0.01] as const;
const DEFAULT_BATCH = 64;

/**
 * The board of one release. Membership is the positive class, so a release that forgot has a high AUC, and one that
 * still holds the forgotten samples one near 0.5.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_ONE_CLASS_MISSING (also: nothing scorable), IAM_SCALE_DEGENERATE (signals
 *   without spread), IAM_PARAMETER_OUT_OF_RANGE.
 */
export function scoreBoard(input: ScoreBoardInput): ScoreBoard {
  const { labels, target } = input;
  if (labels.length !== target.length) {
    throw new IamError('IAM_LENGTH_MISMATCH', 'every sample needs one label', {
      details: { samples: target.length, labels: labels.length },
    });
  }
  const membership = { ...secondOpinions(input, input.kind), ...iamMembership(input) };
  const scorable = target.map((_, i) =>
    Object.values(membership).every((scores) => Number.isFinite(scores[i])) ? 1 : 0,
  );
  const keep = <T extends Float64Array | Uint8Array>(values: T) =>
    values.filter((_, i) => scorable[i] === 1) as T;
  const kept = keep(Uint8Array.from({ length: labels.length }, (_, i) => (labels[i] ? 1 : 0)));
  const rows = Object.fromEntries(
    Object.entries(membership).map(([name, scores]) => [name, boardRow(keep(scores), kept, input)]),
  );
  return {
    scored: kept.length,
    unscorable: target.length - kept.length,
    retained: kept.reduce((count, label) => count + label, 0),
    labels: kept,
    rows,
    auc: mapValues(rows, (row) => row.auc),
    tpr: mapValues(rows, (row) => row.tpr),
  };
}

function boardRow(membership: Float64Array, labels: Uint8Array, input: ScoreBoardInput): ScoreBoardRow {
  const { resamples = DEFAULT_BOOTSTRAP_RESAMPLES, seed = 1 } = input;
  const curve = rocCurve(membership, labels);
  const intervals = bootstrapRoc(membership, labels, {
    falsePositiveRates: FALSE_POSITIVE_RATES,
    resamples,
    seed,
  });
  const byRate = <T>(value: (rate: number, index: number) => T) =>
    Object.fromEntries(FALSE_POSITIVE_RATES.map((rate, i) => [String(rate), value(rate, i)]));
  return {
    auc: auc(membership, labels),
    aucInterval: intervals.auc,
    tpr: byRate((rate) => tprAtFpr(curve, rate)),
    tprInterval: byRate((_, i) => intervals.tprAtFpr[i]!),
    curve,
    membership,
  };
}

/** 1 - completeness as published (in batches and whole) and as in production (frozen scale). */
function iamMembership(input: ScoreBoardInput): Record<string, Float64Array> {
  const { kind, shadows, batch = DEFAULT_BATCH, parameters = DEFAULT_PARAMETERS[kind] } = input;
  const { levels, likelihood } = parameters;
  const signals = (raw: Float64Array) => raw.map((value) => transformSignal(value, parameters));
  const placed = {
    target: signals(input.target),
    out: signals(input.out),
    in_: signals(input.in_),
    shadows,
  };
  const pooled = { ...placed, signalKind: kind, levels, likelihood };
  const scale = input.scale ?? scaleOf(placed, parameters);
  const membership = (completeness: Float64Array) => completeness.map((score) => 1 - score);
  return {
    iam_batch: membership(scorePooled({ ...pooled, batch })),
    iam_whole: membership(scorePooled(pooled)),
    iam_frozen: membership(scoreFrozen({ ...placed, scale, parameters })),
  };
}

function scaleOf({ out, in_, shadows }: RawSignals, parameters: IamParameters): FrozenScale {
  const moments = new SignalMoments();
  in_.forEach((signal, i) => {
    moments.add(out.subarray(i * shadows, (i + 1) * shadows), signal);
  });
  return freezeScale(moments, parameters);
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, map: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
