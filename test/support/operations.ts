/** Ledger operations as the registry makes them, without the registry. */
import { randomUUID } from 'node:crypto';
import type { AppendOperation } from '@app/ledger';
import { TEST_TIME } from './ledger.js';

const REQUEST = {
  subject: 's',
  regime: 'GDPR',
  receivedAt: TEST_TIME.toISOString(),
  dueAt: TEST_TIME.toISOString(),
  filedBy: 'test',
  filedAt: TEST_TIME.toISOString(),
};

export const modelOperation = (
  modelId: string,
  key: string | null = null,
): AppendOperation<{ modelId: string }> => ({
  idempotency: key ? { scope: 'model', key, content: { name: modelId } } : null,
  events: [
    {
      type: 'model-registered',
      subjectId: modelId,
      content: { modelId, name: modelId, signalKind: 'loss', registeredAt: TEST_TIME.toISOString() },
    },
  ],
  createLogFor: modelId,
  write: async (tx, placed) => {
    await tx
      .insertInto('model')
      .values({
        model_id: modelId,
        name: modelId,
        signal_kind: 'loss',
        registered_at: placed.at,
        event_index: placed.eventIndexes[0]!,
      })
      .execute();
    return { modelId };
  },
});

export const requestOperation = (
  modelId: string,
  samples: readonly string[],
  key: string | null = null,
): AppendOperation<{ indexes: string[] }> => {
  const requestId = randomUUID();
  const content = { ...REQUEST, sampleCount: samples.length };
  return {
    idempotency: key ? { scope: 'request', key, content: { samples } } : null,
    events: [],
    commitments: [
      {
        modelId,
        requestId,
        items: samples.map((sampleId) => ({ sampleId, content })),
      },
    ],
    facts: ({ at }) => [
      {
        table: 'deletion_request',
        values: {
          request_id: requestId,
          regime: 'GDPR',
          received_at: at,
          due_at: at,
          filed_by: 'test',
          filed_at: at,
          sample_count: samples.length,
        },
      },
      {
        table: 'request_subject',
        values: { request_id: requestId, subject: 's', filed_scope: null, filed_key: null },
      },
    ],
    write: (_tx, placed) => Promise.resolve({ indexes: placed.commitmentIndexes[0]!.map(String) }),
  };
};
