import { describe, expect, it } from 'vitest';
import { formatAccount, formatRefusal } from './account.js';
import { AttestationError } from './errors.js';
import { attest, bundleOf, ledgerKeySet, NOW } from './ledger.fixture.js';
import { verifyAttestation } from './verify.js';
import { verifyBundle } from './verify-bundle.js';

const world = await attest({ overrides: { warnings: ['one request is over-unlearned'] } });
const evidence = { keySet: ledgerKeySet(), now: NOW };

describe('formatAccount', () => {
  it('shows an attestation in aligned lines', async () => {
    const text = formatAccount(await verifyAttestation(world.jws, evidence));
    expect(text).toMatchSnapshot();
  });

  it('shows a bundle with its commitments', async () => {
    const text = formatAccount(await verifyBundle(bundleOf(world), evidence));
    expect(text.slice(text.indexOf('\n\n'))).toMatchSnapshot();
  });

  it('shows results that are not all well', async () => {
    const failed = await attest({
      verdicts: { 0: 'RESIDUAL' },
      overrides: {
        result: 'FAILED',
        reasons: ['RESIDUAL_EVIDENCE'],
        power: null,
        calibration: { mode: 'same-release', size: 9 },
      },
    });
    const text = formatAccount(await verifyAttestation(failed.jws, evidence));
    expect(text).toContain('result       FAILED RESIDUAL_EVIDENCE\n');
    expect(text).toContain('by sample    NO_RESIDUAL_EVIDENCE 12, RESIDUAL 1 (13 in all)\n');
    expect(text).toContain('power        not measured\n');
    expect(text).toContain('9 samples, scored under the same release; 100 controls\n');
  });
});

describe('formatRefusal', () => {
  it('shows what held, what did not and where', async () => {
    const error: unknown = await verifyBundle(bundleOf(world, [7]), evidence).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AttestationError);
    const text = formatRefusal(error as AttestationError);
    expect(text).toMatch(/^REFUSED\n {2}ok {7}signature/);
    expect(text).toMatch(/\n {2}failed {3}BUNDLE_INCOMPLETE at commitments: the request has 5 commitments/);
  });
});
