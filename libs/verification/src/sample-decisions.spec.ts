import { VERDICTS } from '@app/attestation';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SampleDecisions } from './sample-decisions.js';

it('gives back what was set, leaf by leaf', () => {
  const pValue = fc.option(fc.double({ min: 0, max: 1, noNaN: true }));
  const decision = fc.record({
    verdict: fc.constantFrom(...VERDICTS),
    pResidual: pValue,
    pMember: pValue,
  });
  fc.assert(
    fc.property(fc.array(decision), (decisions) => {
      const samples = new SampleDecisions(decisions.length);
      decisions.forEach((one, leaf) => samples.set(leaf, one));
      expect(samples.length).toBe(decisions.length);
      expect([...samples]).toEqual(decisions);
    }),
  );
});
