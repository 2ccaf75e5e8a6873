/**
 * Does every recording still hold the rows it was stored with? Its id is a hash of its kind and digest, its digest one
 * of its rows, and the id is in the event log wherever the recording is used: so what was changed can be named. Where an
 * erasure destroyed rows, those that are left have the digest that the erasure's event says.
 * Not bound, because nothing depends on it: line numbers, who uploaded it and when. Proven by
 * test/medium/recording.spec.ts.
 */
import type { Database } from '@app/persistence';
import { RecordingDigest, recordingIdOf } from './recording-digest.js';
import { type Recording, RecordingRepository, type RecordingRemains } from './recording.repository.js';
import type { SignalKind } from './row-reader.js';

/** One thing found wrong, in the shape the ledger's audit reports. */
export interface RecordingFinding {
  readonly log: 'recording';
  readonly index: string;
  readonly field: string;
  readonly problem: string;
}

/** Everything wrong with the stored recordings; one pass over all rows. */
export async function auditRecordings(db: Database): Promise<readonly RecordingFinding[]> {
  const recordings = new RecordingRepository(db);
  const findings: RecordingFinding[] = [];
  for await (const recording of recordings.all()) {
    const rows = await measure(recordings.rows(recording.recordingId));
    const remains = await recordings.remains(recording.recordingId);
    const problems = remains ? compareRemains(recording, rows, remains) : compare(recording, rows);
    const found = problems.map(([field, problem]) => ({
      log: 'recording' as const,
      index: recording.recordingId,
      field,
      problem,
    }));
    findings.push(...found);
  }
  return findings;
}

interface MeasuredRows {
  readonly digest: string;
  readonly rowCount: number;
}

async function measure(
  rows: AsyncIterable<{ readonly sampleId: string; readonly value: number }>,
): Promise<MeasuredRows> {
  const digest = new RecordingDigest();
  let rowCount = 0;
  for await (const { sampleId, value } of rows) {
    digest.add(sampleId, value);
    rowCount += 1;
  }
  return { digest: Buffer.from(digest.finish()).toString('hex'), rowCount };
}

function compare(recording: Recording, rows: MeasuredRows): [field: string, problem: string][] {
  const problems: [string, string][] = [];
  const isNamedBy = (digest: string, kind: SignalKind): boolean =>
    recordingIdOf(kind, Buffer.from(digest, 'hex')) === recording.recordingId;
  const { digest, signalKind } = recording;
  const otherKind = signalKind === 'loss' ? 'probability' : 'loss';
  if (!isNamedBy(rows.digest, signalKind)) {
    if (isNamedBy(rows.digest, otherKind))
      problems.push(['recording.signal_kind', 'its id is that of a recording of the other kind']);
    else
      problems.push([
        'recorded_signal.value',
        'the rows (samples and values) do not have the digest they were stored with',
      ]);
  }
  const rowsIntact = isNamedBy(rows.digest, signalKind) || isNamedBy(rows.digest, otherKind);
  if (rowsIntact && digest !== rows.digest)
    problems.push(['recording.digest', 'is not the digest of the rows, which the id confirms']);
  if (rows.rowCount !== recording.rowCount)
    problems.push(['recording.row_count', `there are ${rows.rowCount} rows, not ${recording.rowCount}`]);
  return problems;
}

/** A recording that an erasure took rows from: its own digest is that of rows which are no longer there. */
function compareRemains(
  { recordingId, signalKind, digest, rowCount }: Recording,
  rows: MeasuredRows,
  remains: RecordingRemains,
): [field: string, problem: string][] {
  const problems: [string, string][] = [];
  if (recordingIdOf(signalKind, Buffer.from(digest, 'hex')) !== recordingId)
    problems.push(['recording.digest', 'digest and kind do not give the id']);
  if (rows.digest !== remains.digestLeft)
    problems.push(['recorded_signal.value', 'the rows do not have the digest that the last erasure left']);
  if (rows.rowCount !== remains.rowsLeft)
    problems.push(['recorded_signal.sample_id', `there are ${rows.rowCount} rows, not ${remains.rowsLeft}`]);
  if (rowCount !== remains.rowsLeft + remains.rowsErased)
    problems.push(['recording.row_count', 'is not what was erased and what is left together']);
  return problems;
}
