import { canonicalJson } from '@app/tlog';
import { describe, expect, it } from 'vitest';
import { commitmentsOf, countsOf, predicateOf, resultsOf } from './ledger.fixture.js';
import type { Predicate, Statement, VerdictCounts } from './statement.js';
import {
  eventLogOrigin,
  formatStatement,
  makeStatement,
  parseStatement,
  PREDICATE_TYPE,
  STATEMENT_TYPE,
} from './statement.js';

const commitments = commitmentsOf();
const predicate = predicateOf(commitments, resultsOf(commitments));
const statement = makeStatement('4'.repeat(64), predicate);
const coded = (code: string, where: string): unknown => expect.objectContaining({ code, details: { where } });
const withResults = (change: Partial<Predicate['results']>): Predicate => ({
  ...predicate,
  results: { ...predicate.results, ...change },
});
const withCounts = (samples: object, requests: object = {}): Predicate =>
  withResults({ verdicts: { samples: countsOf(samples), requests: countsOf(requests) } });

describe('a statement', () => {
  it('is an in-toto Statement v1 about the release’s digest', () => {
    expect(JSON.parse(formatStatement(statement))).toMatchObject({
      _type: STATEMENT_TYPE,
      predicateType: PREDICATE_TYPE,
      subject: [{ name: 'retrain', digest: { sha256: '4'.repeat(64) } }],
    });
  });

  it('reads back what was written', () => {
    expect(parseStatement(formatStatement(statement))).toEqual(statement);
  });

  it('leads from the commitment log to the event log of its ledger', () => {
    expect(eventLogOrigin(predicate)).toBe('ledger.example/events');
  });

  it('may be about no commitments, without scores, power or controls', () => {
    const empty = predicateOf([], [], {
      power: null,
      result: 'INCONCLUSIVE',
      reasons: ['NOTHING_TO_VERIFY'],
    });
    const none = {
      ...empty,
      results: { ...empty.results, verdicts: { samples: countsOf({}), requests: countsOf({}) } },
    };
    expect(parseStatement(formatStatement(makeStatement('0'.repeat(64), none))).predicate).toEqual(none);
  });
});

describe('a statement of the wrong shape', () => {
  it.each<[string, string, (s: Statement) => unknown]>([
    ['an unknown field', 'document', (s) => ({ ...s, extra: 1 })],
    ['an unknown predicate field', 'predicate', (s) => ({ ...s, predicate: { ...s.predicate, extra: 1 } })],
    ['another statement type', '_type', (s) => ({ ...s, _type: 'https://in-toto.io/Statement/v0.1' })],
    ['two subjects', 'subject', (s) => ({ ...s, subject: [...s.subject, ...s.subject] })],
    [
      'an upper-case digest',
      'subject[0].digest.sha256',
      (s) => ({ ...s, subject: [{ name: 'x', digest: { sha256: 'A'.repeat(64) } }] }),
    ],
    [
      'a tree size as number',
      'predicate.results.treeSize',
      (s) => ({ ...s, predicate: { ...s.predicate, results: { ...s.predicate.results, treeSize: 13 } } }),
    ],
    [
      'a missing verdict count',
      'predicate.results.verdicts.samples.RESIDUAL',
      (s) => {
        const samples: Partial<VerdictCounts> = { ...s.predicate.results.verdicts.samples };
        delete samples.RESIDUAL;
        const verdicts = { ...s.predicate.results.verdicts, samples };
        return { ...s, predicate: { ...s.predicate, results: { ...s.predicate.results, verdicts } } };
      },
    ],
    [
      'a rate above one',
      'predicate.operatingFalsePositiveRate',
      (s) => ({ ...s, predicate: { ...s.predicate, operatingFalsePositiveRate: 1.01 } }),
    ],
    [
      'a rate outside its interval',
      'predicate.power.perSample',
      (s) => ({
        ...s,
        predicate: {
          ...s.predicate,
          power: { ...s.predicate.power, perSample: { rate: 0.5, low: 0.6, high: 0.7, trials: 1 } },
        },
      }),
    ],
    [
      'files without a digest',
      'predicate.artifact.digests',
      (s) => ({
        ...s,
        predicate: { ...s.predicate, artifact: { kind: 'files', digests: [], note: 'none' } },
      }),
    ],
    [
      'a time that is no instant',
      'predicate.verifiedAt',
      (s) => ({ ...s, predicate: { ...s.predicate, verifiedAt: '2026-02-30T00:00:00.000Z' } }),
    ],
    [
      'a line break in a warning',
      'predicate.warnings[0]',
      (s) => ({ ...s, predicate: { ...s.predicate, warnings: ['all good\n  ok signature'] } }),
    ],
  ])('with %s is refused at %s', (_name, where, change) => {
    expect(() => parseStatement(canonicalJson(change(statement)))).toThrow(
      coded('ATTESTATION_MALFORMED', where),
    );
  });

  it.each([NaN, Infinity, -0.5])('is never signed with the number %s', (operatingFalsePositiveRate) => {
    expect(() =>
      formatStatement(makeStatement('4'.repeat(64), { ...predicate, operatingFalsePositiveRate })),
    ).toThrow(coded('ATTESTATION_MALFORMED', 'predicate.operatingFalsePositiveRate'));
  });

  it('is never signed with a profile parameter that is not finite', () => {
    const profile = { ...predicate.profile, parameters: { sigma: [1, NaN] } };
    expect(() => formatStatement(makeStatement('4'.repeat(64), { ...predicate, profile }))).toThrow(
      expect.objectContaining({ code: 'ATTESTATION_MALFORMED' }),
    );
  });

  it('is refused when its JSON is not canonical', () => {
    const text = formatStatement(statement);
    for (const other of [`${text}\n`, text.replace('{', '{"_type":"x",'), JSON.stringify(statement), '{'])
      expect(() => parseStatement(other)).toThrow(coded('ATTESTATION_MALFORMED', 'document'));
  });
});

describe('a statement that contradicts itself', () => {
  it.each<[string, string, string, Predicate]>([
    [
      'fewer results than commitments',
      'ATTESTATION_RESULTS_INCOMPLETE',
      'results.treeSize',
      withResults({ treeSize: '12' }),
    ],
    [
      'fewer verdicts than results',
      'ATTESTATION_RESULTS_INCOMPLETE',
      'results.verdicts.samples',
      withCounts({ NO_RESIDUAL_EVIDENCE: 12 }),
    ],
    [
      'more verdicts than results',
      'ATTESTATION_RESULTS_INCOMPLETE',
      'results.verdicts.samples',
      withCounts({ NO_RESIDUAL_EVIDENCE: 13, NOT_APPLICABLE: 1 }),
    ],
    [
      'more requests than samples',
      'ATTESTATION_STATEMENT_INVALID',
      'result',
      withCounts({ NO_RESIDUAL_EVIDENCE: 13 }, { NO_RESIDUAL_EVIDENCE: 14 }),
    ],
    [
      'a pass over a residual sample',
      'ATTESTATION_STATEMENT_INVALID',
      'result',
      withCounts({ NO_RESIDUAL_EVIDENCE: 12, RESIDUAL: 1 }),
    ],
    [
      'a pass over a residual request',
      'ATTESTATION_STATEMENT_INVALID',
      'result',
      withCounts({ NO_RESIDUAL_EVIDENCE: 13 }, { RESIDUAL: 1 }),
    ],
    [
      'a pass over an unscorable sample',
      'ATTESTATION_STATEMENT_INVALID',
      'result',
      withCounts({ NO_RESIDUAL_EVIDENCE: 12, UNSCORABLE: 1 }),
    ],
    [
      'a pass without measured power',
      'ATTESTATION_STATEMENT_INVALID',
      'result',
      { ...predicate, power: null },
    ],
    [
      'an expiry at the time of verification',
      'ATTESTATION_STATEMENT_INVALID',
      'expiresAt',
      { ...predicate, expiresAt: predicate.verifiedAt },
    ],
    [
      'a release registered after it was verified',
      'ATTESTATION_STATEMENT_INVALID',
      'verifiedAt',
      { ...predicate, release: { ...predicate.release, registeredAt: '2026-11-21T00:00:00.000Z' } },
    ],
    [
      'the log of another model',
      'ATTESTATION_STATEMENT_INVALID',
      'commitmentLog.origin',
      { ...predicate, model: { ...predicate.model, id: 'mdl-other' } },
    ],
    [
      'a predecessor without a consistency proof',
      'ATTESTATION_STATEMENT_INVALID',
      'previousAttestation',
      { ...predicate, previousAttestation: { digest: '7'.repeat(64) } },
    ],
  ])('by %s is never signed', (_name, code, where, contradictory) => {
    expect(() => formatStatement(makeStatement('4'.repeat(64), contradictory))).toThrow(
      coded(code, `predicate.${where}`),
    );
  });
});
