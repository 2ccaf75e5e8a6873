import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attest, bytes32, commitmentsOf, countsOf, predicateOf, resultsOf } from './ledger.fixture.js';
import { recountResults, ResultTally } from './recount.js';
import type { ResultLeaf } from './result-leaf.js';
import { formatResultLeaf } from './result-leaf.js';
import { makeStatement } from './statement.js';
import type { Verdict } from './statement.js';

const { statement, results } = await attest();
const lines = results.map(formatResultLeaf);
const refused = (code: string, where: string) => ({ code, details: { where } });
const changed = (index: number, change: Partial<ResultLeaf>): string[] =>
  results.map((leaf, i) => formatResultLeaf(i === index ? { ...leaf, ...change } : leaf));

describe('recountResults', () => {
  it('accepts exactly the attested results, from an array or a stream', async () => {
    async function* stream(): AsyncGenerator<string> {
      for (const line of lines) yield await Promise.resolve(line);
    }
    const summary = await recountResults(lines, statement);
    expect(summary.treeSize).toBe(13n);
    expect(summary.samples).toEqual(countsOf({ NO_RESIDUAL_EVIDENCE: 13 }));
    expect(await recountResults(stream(), statement)).toEqual(summary);
  });

  it('accepts no results for an empty log', async () => {
    const empty = makeStatement('5'.repeat(64), predicateOf([], []));
    await expect(recountResults([], empty)).resolves.toMatchObject({ treeSize: 0n, scoreQuantiles: null });
  });

  it('names the index of a dropped result', async () => {
    await expect(recountResults(lines.toSpliced(5, 1), statement)).rejects.toMatchObject(
      refused('ATTESTATION_RESULTS_INCOMPLETE', 'index 5'),
    );
    await expect(recountResults(lines.slice(0, -1), statement)).rejects.toMatchObject(
      refused('ATTESTATION_RESULTS_INCOMPLETE', 'index 12'),
    );
  });

  it('names the index of a duplicated result, and of one too many', async () => {
    await expect(recountResults(lines.toSpliced(6, 0, lines[5]!), statement)).rejects.toMatchObject(
      refused('ATTESTATION_RESULTS_INCOMPLETE', 'index 6'),
    );
    const surplus = formatResultLeaf({ ...results[12]!, index: 13n });
    await expect(recountResults([...lines, surplus], statement)).rejects.toMatchObject(
      refused('ATTESTATION_RESULTS_INCOMPLETE', 'index 13'),
    );
    await expect(recountResults([...lines, lines[12]!], statement)).rejects.toMatchObject(
      refused('ATTESTATION_RESULTS_INCOMPLETE', 'index 13'),
    );
  });

  it('refuses a swapped verdict, score or p-value by the root', async () => {
    for (const change of [{ verdict: 'RESIDUAL' }, { score: 1 }, { pMember: null }] as const)
      await expect(recountResults(changed(3, change), statement)).rejects.toMatchObject(
        refused('ATTESTATION_RESULTS_MISMATCH', 'predicate.results.rootHash'),
      );
  });

  it('refuses results bound to other commitments than the log holds', async () => {
    await expect(recountResults(changed(3, { leafHash: bytes32('other') }), statement)).rejects.toMatchObject(
      refused('ATTESTATION_RESULTS_MISMATCH', 'predicate.commitmentLog.rootHash'),
    );
  });

  it('refuses results whose verdicts or quantiles were signed wrong', async () => {
    const commitments = commitmentsOf();
    const honest = predicateOf(commitments, results);
    const { verdicts, scoreQuantiles } = honest.results;
    const lying = (part: Partial<typeof honest.results>) =>
      makeStatement('5'.repeat(64), { ...honest, results: { ...honest.results, ...part } });
    const samples = countsOf({ NO_RESIDUAL_EVIDENCE: 12, NOT_APPLICABLE: 1 });
    await expect(recountResults(lines, lying({ verdicts: { ...verdicts, samples } }))).rejects.toMatchObject(
      refused('ATTESTATION_RESULTS_MISMATCH', 'predicate.results.verdicts.samples.NO_RESIDUAL_EVIDENCE'),
    );
    await expect(
      recountResults(lines, lying({ scoreQuantiles: { ...scoreQuantiles!, p05: 1 } })),
    ).rejects.toMatchObject(refused('ATTESTATION_RESULTS_MISMATCH', 'predicate.results.scoreQuantiles'));
  });

  it('does not depend on the order in which the statement’s quantiles were written', async () => {
    const predicate = predicateOf(commitmentsOf(), results);
    const entries = Object.entries(predicate.results.scoreQuantiles!).reverse();
    const scoreQuantiles = Object.fromEntries(entries) as NonNullable<
      typeof predicate.results.scoreQuantiles
    >;
    const reordered = { ...predicate, results: { ...predicate.results, scoreQuantiles } };
    await expect(recountResults(lines, makeStatement('5'.repeat(64), reordered))).resolves.toBeDefined();
  });

  it.each(['', ' ', 'null', '{}', lines[4]!.replace(',', ', '), lines[4]!.replace('{', '{"x":1,')])(
    'names the index of a line that is no canonical result leaf: %s',
    async (line) => {
      await expect(recountResults(lines.with(4, line), statement)).rejects.toMatchObject(
        refused('ATTESTATION_RESULTS_MISMATCH', 'index 4'),
      );
    },
  );
});

describe('ResultTally', () => {
  const commitments = commitmentsOf();

  it('gives nearest-rank quantiles, as sorting does', () => {
    const score = fc.option(fc.integer({ min: 0, max: 1_000_000 }));
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 60 }), (scores) => {
        const tally = new ResultTally();
        const [leaf] = resultsOf(commitments);
        for (const [i, value] of scores.entries()) {
          const next = { ...leaf!, index: BigInt(i), score: value };
          tally.add(next, formatResultLeaf(next));
        }
        const sorted = scores.filter((value) => value !== null).sort((a, b) => a - b);
        const n = sorted.length;
        const rank = (percent: number) => sorted[Math.max(1, Math.ceil((n * percent) / 100)) - 1]!;
        const expected = {
          scored: n,
          min: sorted[0],
          p05: rank(5),
          p25: rank(25),
          p50: rank(50),
          p75: rank(75),
          p95: rank(95),
          max: sorted.at(-1),
        };
        expect(tally.summary().scoreQuantiles).toEqual(n === 0 ? null : expected);
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('counts every verdict', () => {
    const verdicts: Record<number, Verdict> = { 0: 'RESIDUAL', 1: 'UNSCORABLE', 12: 'UNSCORABLE' };
    const tally = new ResultTally();
    for (const leaf of resultsOf(commitments, verdicts)) tally.add(leaf, formatResultLeaf(leaf));
    expect(tally.summary().samples).toEqual(
      countsOf({ NO_RESIDUAL_EVIDENCE: 10, RESIDUAL: 1, UNSCORABLE: 2 }),
    );
  });
});
