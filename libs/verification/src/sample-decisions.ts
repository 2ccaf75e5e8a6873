/**
 * What was decided on each leaf, in columns: as a million objects it would be most of a worker's memory. Proven by
 * sample-decisions.spec.ts.
 */
import { type Verdict, VERDICTS } from '@app/attestation';

export interface SampleDecision {
  readonly verdict: Verdict;
  /** p of "never trained on" and of "still a member" for the one sample; null without a score or without the null's data. */
  readonly pResidual: number | null;
  readonly pMember: number | null;
}

const PLACES = new Map(VERDICTS.map((verdict, place) => [verdict, place]));

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

export class SampleDecisions implements Iterable<SampleDecision> {
  /** `[N]`: places among the verdicts. */
  private readonly verdict: Uint8Array;
  /** `[N]`: NaN for null, here and below. */
  private readonly pResidual: Float64Array;
  private readonly pMember: Float64Array;

  /** @param length leaves; each is to be set once */
  constructor(readonly length: number) {
    this.verdict = new Uint8Array(length);
    this.pResidual = new Float64Array(length);
    this.pMember = new Float64Array(length);
  }

  set(leaf: number, { verdict, pResidual, pMember }: SampleDecision): void {
    this.verdict[leaf] = PLACES.get(verdict)!;
    this.pResidual[leaf] = pResidual ?? NaN;
    this.pMember[leaf] = pMember ?? NaN;
  }

  /** @param leaf in [0, length) */
  at(leaf: number): SampleDecision {
    return {
      verdict: VERDICTS[this.verdict[leaf]!]!,
      pResidual: orNull(this.pResidual[leaf]!),
      pMember: orNull(this.pMember[leaf]!),
    };
  }

  /** By leaf. */
  *[Symbol.iterator](): Generator<SampleDecision> {
    for (let leaf = 0; leaf < this.length; leaf++) yield this.at(leaf);
  }
}
