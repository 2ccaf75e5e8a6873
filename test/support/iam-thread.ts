/** Scores a share of a made-up release in a thread of its own: what score-threads.spec.ts starts several of. */
import { parentPort, workerData } from 'node:worker_threads';
import { DEFAULT_PARAMETERS, freezeScale, scoreFrozen, SignalMoments, transformSignal } from '@app/iam';

const PARAMETERS = DEFAULT_PARAMETERS.loss;

/** Moments of samples `from`, `from + step`, ... of `samples`, as JSON text. */
export function momentsOfShare(samples: number, from: number, step: number): string {
  const moments = new SignalMoments();
  for (let i = from; i < samples; i += step) moments.add(outOf(i), inOf(i));
  return JSON.stringify(moments);
}

/** Scores of the same share under the scale that the moments give. */
export function scoresOfShare(moments: string, samples: number, from: number, step: number): Float64Array {
  const scale = freezeScale(
    SignalMoments.fromJSON(JSON.parse(moments) as ReturnType<SignalMoments['toJSON']>),
    PARAMETERS,
  );
  const indexes = Array.from(
    { length: Math.ceil((samples - from) / step) },
    (_, place) => from + place * step,
  );
  return scoreFrozen({
    target: Float64Array.from(indexes, (i) => transformSignal(1 + Math.abs((i % 37) - 18) / 20, PARAMETERS)),
    out: Float64Array.from(indexes.flatMap(outOf)),
    shadows: 2,
    in_: Float64Array.from(indexes, inOf),
    scale,
    parameters: PARAMETERS,
  });
}

function outOf(i: number): number[] {
  return [
    transformSignal(1.5 + ((i * 7) % 31) / 17, PARAMETERS),
    transformSignal(1.4 + ((i * 5) % 29) / 19, PARAMETERS),
  ];
}

function inOf(i: number): number {
  return transformSignal(0.3 + ((i * 11) % 23) / 40, PARAMETERS);
}

interface Share {
  readonly moments: string | null;
  readonly samples: number;
  readonly from: number;
  readonly step: number;
}

const share = workerData as Share | null;
if (parentPort && share?.samples) {
  const { moments, samples, from, step } = share;
  parentPort.postMessage(
    moments === null ? momentsOfShare(samples, from, step) : scoresOfShare(moments, samples, from, step),
  );
}
