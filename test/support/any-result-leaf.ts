/** Result leaves for properties. */
import { type ResultLeaf, VERDICTS } from '@app/attestation';
import fc from 'fast-check';

const anyBytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyMillionths = fc.option(fc.integer({ min: 0, max: 1_000_000 }));
/** Any leaf that can be written. */
export const anyResultLeaf: fc.Arbitrary<ResultLeaf> = fc.record({
  index: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  leafHash: anyBytes(32),
  verdict: fc.constantFrom(...VERDICTS),
  score: anyMillionths,
  pResidual: anyMillionths,
  pMember: anyMillionths,
  blind: anyBytes(16),
});
