/**
 * The next version of one cached block of signals while it is being computed: what is known, what is still wanted, and
 * what comes in. Pure; proven by signal-draft.spec.ts.
 */
import type { MeasuredBatch } from './measure-batch.js';
import {
  packReasons,
  PAYLOAD_MISSING,
  SAMPLE_ERASED,
  type SignalBlock,
  unpackReasons,
} from './signal-block.js';

export interface DraftInputs {
  readonly blockIndex: number;
  /** Of each sample of the block: whether what it was is destroyed, `[width]`. */
  readonly erased: readonly boolean[];
  /** Whether samples that broke the model before are tried again. */
  readonly retryFailed: boolean;
}

export class SignalDraft {
  /** Positions in the block whose signals have to be computed, ascending. */
  readonly wanted: readonly number[];
  private readonly values: Float64Array;
  private readonly codes: (string | undefined)[];
  private passes = 0;

  constructor(
    private readonly known: SignalBlock | undefined,
    private readonly inputs: DraftInputs,
  ) {
    const { erased, retryFailed } = inputs;
    const width = erased.length;
    this.values = new Float64Array(width).fill(NaN);
    this.codes = new Array<string | undefined>(width).fill(undefined);
    if (known) {
      this.values.set(known.values.subarray(0, width));
      unpackReasons(known.reasons, known.width).forEach((code, i) => (this.codes[i] = code));
    }
    const again = (code: string | undefined): boolean =>
      code === PAYLOAD_MISSING || (retryFailed && code !== undefined);
    const knownWidth = known?.width ?? 0;
    this.wanted = erased.flatMap((gone, i) =>
      !gone && (i >= knownWidth || again(this.codes[i])) ? [i] : [],
    );
    erased.forEach((gone, i) => {
      if (!gone) return;
      this.values[i] = NaN;
      this.codes[i] = SAMPLE_ERASED;
    });
  }

  /** Takes the signals of the samples at `positions` of the block. */
  take(positions: readonly number[], { values, codes }: MeasuredBatch): void {
    positions.forEach((position, i) => {
      this.values[position] = values[i]!;
      this.codes[position] = codes[i];
    });
    this.passes += positions.length;
  }

  /** Says why the samples at `positions` have no signal; no model ran. */
  refuse(positions: readonly number[], code: string): void {
    for (const position of positions) {
      this.values[position] = NaN;
      this.codes[position] = code;
    }
  }

  /** What serves now; {@link isNews} says whether it has to be written. */
  get block(): SignalBlock & { readonly forwardPasses: number } {
    return {
      blockIndex: this.inputs.blockIndex,
      width: this.values.length,
      unscorable: this.codes.filter((code) => code !== undefined).length,
      awaited: this.codes.includes(PAYLOAD_MISSING),
      values: this.values,
      reasons: packReasons(this.codes),
      forwardPasses: this.passes,
    };
  }

  /** Whether the draft tells more than what was known. */
  get isNews(): boolean {
    const { width, unscorable } = this.block;
    return !this.known || width > this.known.width || unscorable < this.known.unscorable;
  }
}
