/** What has to hold after every crash, checked from outside: over the API, by offline verification, and in the database. */
import { auditInstallation } from '@app/audit';
import { type KeySet, parseKeySet, verifyAttestation } from '@app/attestation';
import { type Database, openKysely, type Sql } from '@app/persistence';
import { checkConsistency, createEd25519Verifier, openCheckpoint, parseVerifierKey } from '@app/tlog';
import { expect } from 'vitest';
import type { FaultClient } from './fault-client.js';
import { type Acknowledged, SAMPLES_PER_REQUEST } from './fault-workload.js';
import { until } from './until.js';

export interface PublishedCheckpoint {
  readonly origin: string;
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
}

/** The latest published checkpoint of each log, its signature verified. */
export async function publishedCheckpoints(
  client: FaultClient,
  keySet: KeySet,
): Promise<PublishedCheckpoint[]> {
  const { logs } = await client.graphql<{ logs: { origin: string; checkpoint: { note: string } | null }[] }>(
    '{ logs { origin checkpoint { note } } }',
  );
  return logs.flatMap(({ origin, checkpoint }) =>
    checkpoint ? [opened(checkpoint.note, origin, keySet)] : [],
  );
}

/** Every log is an extension of what was published of it before. @throws TlogError */
export async function expectExtensions(
  client: FaultClient,
  keySet: KeySet,
  before: readonly PublishedCheckpoint[],
): Promise<void> {
  const now = new Map((await publishedCheckpoints(client, keySet)).map((one) => [one.origin, one]));
  for (const old of before) {
    const current = now.get(old.origin);
    expect(current, `log ${old.origin} is still there`).toBeDefined();
    if (old.treeSize === 0n) continue;
    const proof = await client.graphql<{ log: { consistencyProof: { hashes: string[] } } }>(
      `query ($origin: String!, $from: BigInt!, $to: BigInt!) {
        log(origin: $origin) { consistencyProof(fromSize: $from, toSize: $to) { hashes } }
      }`,
      { origin: old.origin, from: String(old.treeSize), to: String(current!.treeSize) },
    );
    checkConsistency({
      fromSize: old.treeSize,
      fromRoot: old.rootHash,
      toSize: current!.treeSize,
      toRoot: current!.rootHash,
      proof: proof.log.consistencyProof.hashes.map((hash) => Buffer.from(hash, 'hex')),
    });
  }
}

function opened(note: string, origin: string, keySet: KeySet): PublishedCheckpoint {
  const vkey = keySet.keys
    .map((key) => ('lacuna:vkey' in key ? key['lacuna:vkey'] : undefined))
    .find(Boolean);
  const { publicKey } = parseVerifierKey(vkey!);
  const { treeSize, rootHash } = openCheckpoint(note, createEd25519Verifier(origin, publicKey), origin);
  return { origin, treeSize, rootHash };
}

export async function fetchKeySet(client: FaultClient): Promise<KeySet> {
  return parseKeySet(await client.download('/.well-known/jwks.json'));
}

/** In every log: indexes 0, 1, 2 … without a gap, as many as the head says. */
export async function expectDense(sql: Sql): Promise<void> {
  const gaps = await sql`select head.log_id, head.next_index, count(entry.leaf_index), max(entry.leaf_index)
    from log_head head left join entry using (log_id) group by head.log_id, head.next_index
    having count(entry.leaf_index) <> head.next_index or coalesce(max(entry.leaf_index), -1) <> head.next_index - 1`;
  expect([...gaps]).toEqual([]);
}

/** Every acknowledged request is in the database under its id, with all its commitments; and nothing else is. */
export async function expectExactlyOnce(sql: Sql, acknowledged: readonly Acknowledged[]): Promise<void> {
  const requests = await sql<{ request_id: string; subject: string; commitments: number }[]>`
    select request_id, subject, (select count(*)::int from commitment where commitment.request_id = request.request_id)
      as commitments from deletion_request request left join request_subject using (request_id)`;
  const found = new Map(requests.map((row) => [row.request_id, row]));
  const wrong = acknowledged.filter(({ id, number }) => {
    const row = found.get(id);
    return row?.subject !== `subject-${number}` || row.commitments !== SAMPLES_PER_REQUEST;
  });
  expect(wrong).toEqual([]);
  expect(requests.length).toBe(acknowledged.length);
  expect(new Set(requests.map((row) => row.subject)).size).toBe(requests.length);
}

/** @throws unless the audit recomputes everything and finds nothing */
export async function expectCleanAudit(sql: Sql, keySet: KeySet): Promise<void> {
  const db: Database = openKysely(sql);
  const { findings } = await auditInstallation(db, keySet);
  expect(findings).toEqual([]);
}

/**
 * Waits until no job waits (dead letters lie for people) and every verification has ended: attested, or overtaken by one of a larger tree.
 * @returns how many are attested
 */
export async function verificationsFinished(sql: Sql, timeoutMs: number): Promise<number> {
  let last = '';
  try {
    await until(async () => {
      const unfinished = await sql<{ count: number }[]>`
        select status, error_code, count(*)::int from verification left join verification_progress using (verification_id)
        where status is null or status not in ('ATTESTED', 'FAILED') group by 1, 2`;
      const jobs = await sql<{ name: string; state: string; count: number }[]>`
        select name, state::text, count(*)::int from pgboss.job
        where state in ('created', 'retry', 'active') and name like 'verification.%'
          and name <> 'verification.dead' group by 1, 2`;
      last = JSON.stringify([unfinished, jobs]);
      return jobs.length === 0 && unfinished.length === 0;
    }, timeoutMs);
  } catch (cause) {
    throw new Error(`verifications do not finish: ${last}`, { cause });
  }
  const failed = await sql`select status, error_code, error_message from verification_progress
    where status <> 'ATTESTED' and error_code is distinct from 'VERIFICATION_SUPERSEDED'`;
  expect([...failed]).toEqual([]);
  const unattested = await sql`select name from release where not exists (
    select from verification join attestation using (verification_id) where verification.release_id = release.release_id)`;
  expect([...unattested]).toEqual([]);
  const [attested] = await sql<{ count: number }[]>`select count(*)::int from attestation`;
  return attested!.count;
}

interface AttestationEdge {
  readonly cursor: string;
  readonly node: { readonly id: string; readonly jws: string; readonly verification: { treeSize: string } };
}

/** Verifies a model's attestations offline, in order, each with its proof, its predecessor and all its results. */
export class AttestationReader {
  private after: string | null = null;
  private previousJws: string | undefined;
  verified = 0;
  /** Commitments that the last one covers. */
  covered = 0n;

  constructor(
    private readonly client: FaultClient,
    private readonly modelId: string,
    private readonly keySet: KeySet,
  ) {}

  /** Verifies those that are new since the last call. @throws AttestationError */
  async verifyNew(): Promise<void> {
    for (let edges = await this.page(); edges.length > 0; edges = await this.page()) {
      for (const { cursor, node } of edges) {
        await this.verify(node.id, node.jws);
        this.after = cursor;
        this.previousJws = node.jws;
        this.covered = BigInt(node.verification.treeSize);
        this.verified += 1;
      }
    }
  }

  private async verify(id: string, jws: string): Promise<void> {
    const results = (await this.client.download(`/v1/attestations/${id}/results`))
      .split('\n')
      .filter(Boolean);
    await verifyAttestation(jws, {
      keySet: this.keySet,
      now: new Date(),
      tlogProof: await this.client.download(`/v1/attestations/${id}/tlog-proof`),
      results,
      ...(this.previousJws === undefined ? {} : { previousJws: this.previousJws }),
    });
  }

  private async page(): Promise<AttestationEdge[]> {
    const answer = await this.client.graphql<{ attestations: { edges: AttestationEdge[] } }>(
      `query ($modelId: ID!, $after: String) {
        attestations(modelId: $modelId, first: 50, after: $after) {
          edges { cursor node { id jws verification { treeSize } } }
        }
      }`,
      { modelId: this.modelId, after: this.after },
    );
    return answer.attestations.edges;
  }
}
