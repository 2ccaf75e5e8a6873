/** The lifecycle of a live model, end to end: trained here, unlearned in several ways, released, verified by real inference. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  compareRivals,
  FULL,
  type Lifecycle,
  prepareLifecycle,
  recallOf,
  SMALL,
  type TrainingProgress,
} from '../../../../lab/src/index.js';
import type { ApiClient } from '../api-client.js';
import { type Ending, fetchKeys, onStage, type Stage, startProcesses } from '../stage.js';
import { awaitVerification, downloadFiles, verifyOffline } from '../verified-releases.js';
import { type LifecycleReport, reportAsJson, reportAsText } from './lifecycle-report.js';
import { plotLifecycle } from './lifecycle-plots.js';
import { type LiveModel, registerLiveModel, registerLiveRelease } from './register-lifecycle.js';
import { listRecurrences, type ListedRecurrence } from './recurrences.js';

export interface WordnetRequest extends Ending {
  readonly small?: true;
}

export async function runWordnetDemo({ small, ...ending }: WordnetRequest): Promise<void> {
  await onStage(ending, async (stage) => {
    const lifecycle = await train(stage, small === true);
    const report = await perform(stage, lifecycle);
    return { text: reportAsText(report), json: reportAsJson(report), sound: true };
  });
}

function train({ directory, say }: Stage, small: boolean): Promise<Lifecycle> {
  const settings = small ? SMALL : FULL;
  say(
    `reading WordNet; training ${String(6 + settings.shadows)} models on glosses, two at a time, unless they are there`,
  );
  const tell = ({ name, epoch, epochs }: TrainingProgress) => {
    if (epoch === 1 || epoch === epochs)
      say(`training ${name}: ${String(epoch)} of ${String(epochs)} passes`);
  };
  return prepareLifecycle(settings, join(directory, 'lab'), tell);
}

async function perform(stage: Stage, lifecycle: Lifecycle): Promise<LifecycleReport> {
  const { directory, say, started } = stage;
  const trainedAt = Date.now();
  const { platform, auditor } = await startProcesses(stage);
  const model = await registerLiveModel(platform, lifecycle, stage);
  const output = join(directory, 'attestations', `wordnet-${lifecycle.fingerprint}`);
  const { path: jwks, keySet } = await fetchKeys(auditor.url, output);
  const releases: LifecycleReport['releases'][number][] = [];
  for (const recipe of lifecycle.recipes.releases) {
    say(`registering release ${recipe.name}: ${recipe.what}`);
    const release = await registerLiveRelease(platform, model, recipe.name, lifecycle);
    const verified = await awaitVerification(auditor, release, stage);
    const files = await downloadFiles(auditor, verified, model.requestIds[0]!, output);
    const checks = await verifyOffline(files, keySet, releases.at(-1)?.files.attestation);
    releases.push({ recipe, outcome: verified.outcome, files, checks });
  }
  say('asking for recurrences; scoring the same signals by every other score');
  const events = await recurrencesOf(auditor, model);
  const rivals = compareRivals(lifecycle);
  const plots = await plotLifecycle(lifecycle, rivals);
  for (const { name, svg } of plots) await writeFile(join(output, `${name}.svg`), svg);
  return {
    releases,
    rivals,
    requests: lifecycle.world.requests.length,
    returning: lifecycle.world.returning,
    events,
    attested: recallOf(
      events
        .filter(({ firstBad }) => firstBad === lifecycle.recipes.releases.at(-1)!.name)
        .map(({ request }) => request),
      lifecycle.world.returning,
    ),
    jwks,
    plots: plots.map(({ name }) => join(output, `${name}.svg`)),
    trainingSeconds: (trainedAt - started) / 1000,
    seconds: (Date.now() - started) / 1000,
  };
}

/** With requests by their number. */
async function recurrencesOf(
  auditor: ApiClient,
  { modelId, requestIds }: LiveModel,
): Promise<ListedRecurrence[]> {
  const listed = await listRecurrences(auditor, modelId, requestIds);
  return listed.sort((one, other) => one.request - other.request);
}
