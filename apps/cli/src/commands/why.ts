import { type DaemonFlags, openDaemon } from '../local-daemon.js';
import { type Explained, explanationAsText } from '../why-report.js';
import { writeOutput } from '../write-output.js';

export interface WhyRequest extends DaemonFlags {
  readonly request: string;
  readonly release?: string;
  readonly plot?: string;
  readonly json?: true;
}

/** A question takes a second; nobody needs the token longer. */
const TOKEN_SECONDS = 300;

const QUESTION = `query ($requestId: ID!, $releaseId: ID) {
  explainRequest(requestId: $requestId, releaseId: $releaseId) {
    verdict headline sentences statistic level operatingFalsePositiveRate plot
    findings { question pValue threshold crossed }
    neverTrained { size mean low high } members { size mean low high }
    samples { leafIndex verdict score target out in level pResidual pMember }
    errorBudget { alarm pValue level place horizon epoch }
    verification { id result requestedAt release { id name } model { name } }
  }
}`;

/** @throws CliError `CLI_API_REFUSED`, `CLI_DAEMON_UNKNOWN`, `CLI_FILE_UNWRITABLE` */
export async function runWhy({ request, release, plot, json, ...daemon }: WhyRequest): Promise<void> {
  const api = await openDaemon(daemon, { command: 'why', seconds: TOKEN_SECONDS });
  const { explainRequest } = await api.graphql<{ explainRequest: Explained }>(QUESTION, {
    requestId: request,
    releaseId: release ?? null,
  });
  const file = plot ?? `why-${request}.svg`;
  await writeOutput(file, explainRequest.plot);
  process.stdout.write(
    json
      ? `${JSON.stringify({ request, ...explainRequest, plot: file })}\n`
      : explanationAsText(request, explainRequest, file),
  );
}
