/** Erasing through the API: who may, what it answers, and what everybody sees afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDaemon, type TestDaemon } from '../support/test-daemon.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';

describe('eraseDeletionRequest', () => {
  let database: TestDatabase;
  let daemon: TestDaemon;
  let requestId: string;
  let modelId: string;
  beforeAll(async () => {
    database = await testDatabase();
    daemon = await testDaemon(database);
    const model = await daemon.graphql(
      'platform',
      `mutation { registerModel(input: { name: "m", signalKind: LOSS, idempotencyKey: "k" }) { id } }`,
    );
    modelId = (model.data!['registerModel'] as { id: string }).id;
    requestId = (await file()).data!['fileDeletionRequest']!.id;
  });
  afterAll(async () => {
    await daemon.close();
    await database.close();
  });

  const file = () =>
    daemon.graphql(
      'platform',
      `mutation { fileDeletionRequest(input: { idempotencyKey: "d", subject: "secret-subject", regime: "GDPR",
        receivedAt: "2026-11-20T09:00:00.000Z", samples: [{ modelId: "${modelId}", sampleId: "secret-sample" }] }) { id } }`,
    ) as Promise<{
      data: { fileDeletionRequest: { id: string } | null } | null;
      errors?: readonly { extensions: { code: string } }[];
    }>;
  const erase = (role: 'platform' | 'operator', idempotencyKey: string, reason = 'SUBJECT_REQUEST') =>
    daemon.graphql(
      role,
      `mutation { eraseDeletionRequest(input: { idempotencyKey: "${idempotencyKey}", requestId: "${requestId}", reason: ${reason} })
        { id reason erasedBy at eventIndex } }`,
    );

  it('is refused to platforms, and takes a reason out of a few', async () => {
    expect((await erase('platform', 'e')).errors?.[0]?.extensions.code).toBe('AUTH_ROLE_MISSING');
    expect((await erase('operator', 'e', 'WHATEVER')).errors).toBeDefined();
  });

  it('answers with the erasure, the same to every repeat; then subject and samples are null', async () => {
    const { data, errors } = await erase('operator', 'e');
    expect(errors).toBeUndefined();
    const erasure = data!['eraseDeletionRequest'] as { id: string; eventIndex: string };
    expect(erasure).toMatchObject({ reason: 'SUBJECT_REQUEST', erasedBy: 'operator@test' });
    expect((await erase('operator', 'another key')).data!['eraseDeletionRequest']).toEqual(erasure);
    const seen = await daemon.graphql(
      'auditor',
      `{ deletionRequest(id: "${requestId}") { subject sampleCount regime erasure { id eventIndex }
          commitments(first: 10) { edges { node { sampleId leafIndex position } } } }
         event(index: ${JSON.stringify(erasure.eventIndex)}) { type content } }`,
    );
    expect(seen.errors).toBeUndefined();
    expect(seen.data).toMatchObject({
      deletionRequest: {
        subject: null,
        sampleCount: 1,
        regime: 'GDPR',
        erasure: { id: erasure.id, eventIndex: erasure.eventIndex },
        commitments: { edges: [{ node: { sampleId: null, leafIndex: '0', position: 1 } }] },
      },
      event: { type: 'deletion-request-erased' },
    });
    expect(JSON.stringify(seen.data) + daemon.logLines.join('')).not.toContain('secret');
  });

  it('refuses a repeat of the filing and a bundle with codes of their own', async () => {
    expect((await file()).errors?.[0]?.extensions.code).toBe('LEDGER_CONTENT_ERASED');
    const bundle = await daemon.get('auditor', `/v1/deletion-requests/${requestId}/bundle?model=${modelId}`);
    expect(bundle.status).toBe(410);
    expect(await bundle.json()).toMatchObject({ error: { code: 'VERIFICATION_REQUEST_ERASED' } });
  });
});
