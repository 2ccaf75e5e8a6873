import type { ApiClient } from '../demo/api-client.js';
import { CliError } from '../errors.js';
import { type DaemonFlags, openDaemon } from '../local-daemon.js';
import { renderTimeline } from '../plots/timeline-plot.js';
import { type TimelineRelease, type TimelineVerdict, timelineAsText } from '../timeline-report.js';
import { writeOutput } from '../write-output.js';

export interface TimelineOrder extends DaemonFlags {
  readonly model: string;
  readonly plot?: string;
  readonly json?: true;
}

/** A long history takes minutes; nobody needs the token longer. */
const TOKEN_SECONDS = 1800;
const PAGE = 500;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An endpoint that changes more often is not worth a longer list. */
const DRIFTS = 20;
const MODEL_FIELDS = 'id name';
const CHECK_FIELDS = 'checkedAt outcome generation sampled differing largestDifference errorCode';
/** One release and one page of its requests. */
const QUESTION = `query ($id: ID!, $after: String, $requests: Int!, $requestsAfter: String) {
  model(id: $id) { timeline(first: 1, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      verifiedAt attestedAt attestationCount renewalCount
      release {
        id name registeredAt isCurrent withdrawal { reason at } supersession { at successor { id name } }
        drifts: driftChecks(outcome: DIFFERENT, first: ${DRIFTS}) { nodes { ${CHECK_FIELDS} } }
        latestCheck: driftChecks(first: 1) { nodes { ${CHECK_FIELDS} } }
      }
      verification { id result cause treeSize }
      latestAttestation { id issuedAt expiresAt }
      requests(first: $requests, after: $requestsAfter) {
        pageInfo { hasNextPage endCursor }
        nodes { verdict statistic recurred request { id } }
      }
    }
  } }
}`;

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

interface Answer {
  readonly model: {
    readonly timeline: {
      readonly pageInfo: PageInfo;
      readonly nodes: readonly (Omit<TimelineRelease, 'requests'> & {
        readonly requests: {
          readonly pageInfo: PageInfo;
          readonly nodes: readonly (Omit<TimelineVerdict, 'requestId'> & {
            readonly request: { readonly id: string };
          })[];
        };
      })[];
    };
  };
}

/** @throws CliError `CLI_API_REFUSED`, `CLI_DAEMON_UNKNOWN`, `CLI_FILE_UNWRITABLE` */
export async function runTimeline({ model: wanted, plot, json, ...daemon }: TimelineOrder): Promise<void> {
  const api = await openDaemon(daemon, { command: 'timeline', seconds: TOKEN_SECONDS });
  const model = await findModel(api, wanted);
  const releases: TimelineRelease[] = [];
  for await (const release of readReleases(api, model.id)) releases.push(release);
  if (plot !== undefined) await writeOutput(plot, await renderTimeline({ model: model.name, releases }));
  process.stdout.write(
    json ? `${JSON.stringify({ model, releases })}\n` : timelineAsText(model, releases, plot ?? null),
  );
}

async function findModel(
  api: ApiClient,
  wanted: string,
): Promise<{ readonly id: string; readonly name: string }> {
  const query = UUID.test(wanted)
    ? `query ($wanted: ID!) { model: model(id: $wanted) { ${MODEL_FIELDS} } }`
    : `query ($wanted: String!) { model: modelByName(name: $wanted) { ${MODEL_FIELDS} } }`;
  const { model } = await api.graphql<{ model: { id: string; name: string } | null }>(query, { wanted });
  if (!model) throw new CliError('CLI_API_REFUSED', 'there is no model of that name');
  return model;
}

async function* readReleases(api: ApiClient, id: string): AsyncGenerator<TimelineRelease> {
  let after: string | null = null;
  for (;;) {
    const verdicts: TimelineVerdict[] = [];
    let requestsAfter: string | null = null;
    let timeline: Answer['model']['timeline'];
    let entry: Answer['model']['timeline']['nodes'][number] | undefined;
    do {
      const answer: Answer = await api.graphql<Answer>(QUESTION, {
        id,
        after,
        requests: PAGE,
        requestsAfter,
      });
      timeline = answer.model.timeline;
      entry = timeline.nodes[0];
      if (!entry) return;
      verdicts.push(
        ...entry.requests.nodes.map(({ request, ...rest }) => ({ requestId: request.id, ...rest })),
      );
      requestsAfter = entry.requests.pageInfo.hasNextPage ? entry.requests.pageInfo.endCursor : null;
    } while (requestsAfter !== null);
    yield { ...entry, requests: verdicts };
    if (!timeline.pageInfo.hasNextPage) return;
    after = timeline.pageInfo.endCursor;
  }
}
