import type { ApiClient } from '../api-client.js';

export interface ListedRecurrence {
  /** Number of the deletion request. */
  readonly request: number;
  /** Names of releases. */
  readonly lastClean: string;
  readonly firstBad: string;
}

interface RecurrencesPage {
  readonly recurrences: {
    readonly edges: readonly {
      readonly node: {
        readonly request: { readonly id: string };
        readonly lastCleanRelease: { readonly name: string };
        readonly firstBadRelease: { readonly name: string };
      };
    }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

const RECURRENCES = `query ($modelId: ID!, $after: String) {
  recurrences(modelId: $modelId, first: 50, after: $after) {
    edges { node { request { id } lastCleanRelease { name } firstBadRelease { name } } }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Every recurrence event of the model. @param requestIds ids of the deletion requests, by their number */
export async function listRecurrences(
  auditor: ApiClient,
  modelId: string,
  requestIds: readonly string[],
): Promise<ListedRecurrence[]> {
  const listed: ListedRecurrence[] = [];
  for (let after: string | null = null; ;) {
    const page: RecurrencesPage = await auditor.graphql<RecurrencesPage>(RECURRENCES, { modelId, after });
    for (const { node } of page.recurrences.edges)
      listed.push({
        request: requestIds.indexOf(node.request.id),
        lastClean: node.lastCleanRelease.name,
        firstBad: node.firstBadRelease.name,
      });
    const { hasNextPage, endCursor } = page.recurrences.pageInfo;
    if (!hasNextPage) return listed;
    after = endCursor;
  }
}
