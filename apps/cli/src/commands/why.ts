import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mintLocalToken } from '@app/access';
import { loadConfig } from '@app/config';
import { dataDirectory } from '@app/persistence';
import { ApiClient } from '../demo/api-client.js';
import { CliError } from '../errors.js';
import { type Explained, explanationAsText } from '../why-report.js';

export interface WhyRequest {
  readonly request: string;
  readonly release?: string;
  readonly url?: string;
  readonly token?: string;
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

/** @throws CliError `CLI_API_REFUSED`, `CLI_DAEMON_UNKNOWN` */
export async function runWhy({ request, release, url, token, plot, json }: WhyRequest): Promise<void> {
  const directory = dataDirectory(loadConfig(process.env)).path;
  const api = new ApiClient(url ?? (await runningDaemon(directory)), token ?? (await localToken(directory)));
  const { explainRequest } = await api.graphql<{ explainRequest: Explained }>(QUESTION, {
    requestId: request,
    releaseId: release ?? null,
  });
  const file = plot ?? `why-${request}.svg`;
  await writeFile(file, explainRequest.plot);
  process.stdout.write(
    json
      ? `${JSON.stringify({ request, ...explainRequest, plot: file })}\n`
      : explanationAsText(request, explainRequest, file),
  );
}

/** Address of the daemon that runs from this data directory, as it wrote it down. */
async function runningDaemon(directory: string): Promise<string> {
  try {
    const { url } = JSON.parse(await readFile(join(directory, 'daemon.json'), 'utf8')) as { url: string };
    return url;
  } catch (cause) {
    throw new CliError('CLI_DAEMON_UNKNOWN', `no daemon runs from ${directory}; name one with --url`, {
      cause,
    });
  }
}

function localToken(directory: string): Promise<string> {
  const roles = ['auditor'] as const;
  return mintLocalToken({
    directory,
    roles: [...roles],
    ttlSeconds: TOKEN_SECONDS,
    subject: 'why',
    now: new Date(),
  });
}
