/**
 * Completeness by IAM and by every second opinion, from the signals of one release and its references. Pure; proven by
 * rivals.spec.ts.
 */
import {
  DEFAULT_PARAMETERS,
  freezeScale,
  rmiaOffline,
  scoreFrozen,
  secondOpinions,
  SignalMoments,
  transformSignal,
} from '@app/iam';

/** Places of the groups in every array of signals: forgotten samples first, then calibration, then controls. */
export interface Groups {
  readonly forgotten: number;
  readonly calibration: number;
  readonly controls: number;
}

/** True-class probabilities in the order of {@link Groups}, each `[samples]`. */
export interface ReleaseSignals {
  readonly target: Float64Array;
  readonly original: Float64Array;
  /** Row-major `[samples x shadows]`. */
  readonly out: Float64Array;
  readonly shadows: number;
}

const PARAMETERS = DEFAULT_PARAMETERS.probability;
/** The paper's `a` of offline RMIA where IN follows OUT loosely, as for data sets other than CIFAR-10 and CIFAR-100. */
const RMIA_A = 0.2;

/**
 * Scores `[samples]` by name, in [0, 1], **1 = behaves as never trained on**. IAM as production computes it. The others have
 * units of their own (ratios, log-likelihoods), and a mean over a request would be ruled by their largest values: each is
 * replaced by its rank among all samples scored here.
 */
export function completenessScores(signals: ReleaseSignals, groups: Groups): Record<string, Float64Array> {
  const { target, original, out, shadows } = signals;
  const opinions = secondOpinions({ target, out, in_: original, shadows }, 'probability');
  const neverTrained = (values: Float64Array, width: number) =>
    values.subarray(groups.forgotten * width, (groups.forgotten + groups.calibration) * width);
  const population = { target: neverTrained(target, 1), out: neverTrained(out, shadows), shadows };
  const rmia = rmiaOffline({ target, out, shadows }, population, { a: RMIA_A });
  return {
    iam: iam(signals, groups),
    ...Object.fromEntries(
      Object.entries(opinions).map(([name, membership]) => [name, ranks(membership.map((value) => -value))]),
    ),
    rmia: ranks(rmia),
  };
}

/** The scale comes from calibration and controls, as a profile's does. */
function iam({ target, original, out, shadows }: ReleaseSignals, { forgotten }: Groups): Float64Array {
  const signal = (values: Float64Array) => values.map((value) => transformSignal(value, PARAMETERS));
  const [outs, ins] = [signal(out), signal(original)];
  const moments = new SignalMoments();
  for (let i = forgotten; i < ins.length; i++)
    moments.add(outs.subarray(i * shadows, (i + 1) * shadows), ins[i]!);
  const scale = freezeScale(moments, PARAMETERS);
  return scoreFrozen({ target: signal(target), out: outs, shadows, in_: ins, scale, parameters: PARAMETERS });
}

/** Share of the values that lie below each, ties counted half, in (0, 1). */
export function ranks(values: Float64Array): Float64Array {
  const order = Int32Array.from(values.keys()).sort((one, other) => values[one]! - values[other]!);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let place = from; place < to; place++) result[order[place]!] = (from + to) / 2 / values.length;
    from = to;
  }
  return result;
}
