/**
 * Cached raw signals of one artifact on one block of samples: what its numbers mean and how they are stored. Signals are
 * written once; later versions of a block are wider (the log grew) or lack fewer signals (a payload came). Pure; proven
 * by signal-block.spec.ts.
 */
import { VerificationError } from '../errors.js';

/** What is known of a stored block without reading its signals. */
export interface SignalVersion {
  readonly blockIndex: number;
  /** 1..4096 */
  readonly width: number;
  /** Samples without a signal. */
  readonly unscorable: number;
  /** Whether some of them lacked nothing but their payload: worth another look. */
  readonly awaited: boolean;
}

/** Why samples of a block have no signal: positions `[from, to)` by error code. */
export type MissingReasons = Readonly<Record<string, readonly (readonly [number, number])[]>>;

export interface SignalBlock extends SignalVersion {
  /** Raw signals `[width]`, NaN exactly where there is a reason. */
  readonly values: Float64Array;
  readonly reasons: MissingReasons;
}

/** No payload of the sample is stored (yet); the only reason that may pass by itself. */
export const PAYLOAD_MISSING = 'SAMPLE_PAYLOAD_MISSING';
/** What the sample was is destroyed. */
export const SAMPLE_ERASED = 'SAMPLE_ERASED';

const BYTES = 8;

/** Little-endian float64, eight bytes a signal: the order of bytes of every processor that this runs on. */
export function encodeSignals(values: Float64Array): Uint8Array {
  return new Uint8Array(values.slice().buffer);
}

/** @throws VERIFICATION_SIGNALS_CORRUPT for bytes that {@link encodeSignals} cannot have written */
export function decodeSignals(bytes: Uint8Array, width: number): Float64Array {
  if (bytes.length !== width * BYTES) {
    throw new VerificationError(
      'VERIFICATION_SIGNALS_CORRUPT',
      'a stored block of signals has another width than its bytes',
      { details: { width, bytes: bytes.length } },
    );
  }
  return new Float64Array(new Uint8Array(bytes).buffer);
}

/** The widest of the stored versions of one block, then the one that lacks the fewest signals. */
export function bestSignals<T extends SignalVersion>(versions: readonly T[]): T | undefined {
  return versions.reduce<T | undefined>((best, block) => {
    if (!best || block.width > best.width) return block;
    return block.width === best.width && block.unscorable < best.unscorable ? block : best;
  }, undefined);
}

/** Positions by code as ranges. @param codes by position, undefined where there is a signal */
export function packReasons(codes: readonly (string | undefined)[]): MissingReasons {
  const reasons: Record<string, [number, number][]> = {};
  codes.forEach((code, position) => {
    if (code === undefined) return;
    const ranges = (reasons[code] ??= []);
    const last = ranges.at(-1);
    if (last?.[1] === position) last[1] = position + 1;
    else ranges.push([position, position + 1]);
  });
  return reasons;
}

/** The code of each of `width` positions, undefined where there is a signal. */
export function unpackReasons(reasons: MissingReasons, width: number): (string | undefined)[] {
  const codes = new Array<string | undefined>(width).fill(undefined);
  for (const [code, ranges] of Object.entries(reasons)) {
    for (const [from, to] of ranges) codes.fill(code, from, to);
  }
  return codes;
}
