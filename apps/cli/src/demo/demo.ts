/** The main job, end to end, on real recorded losses. */
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';
import { type Dataset, loadDataset } from './dataset.js';
import { paperAuc } from './paper-figure.js';
import { registerEverything } from './register.js';
import { type DemoReport, type ReleaseReport, reportAsJson, reportAsText } from './report.js';
import { type Ending, fetchKeys, onStage, type Stage, startProcesses } from './stage.js';
import { tamperTrials } from './tamper.js';
import { awaitVerification, downloadFiles, verifyOffline } from './verified-releases.js';

export interface DemoRequest extends Ending {
  readonly data?: string;
}

export async function runDemo(request: DemoRequest): Promise<void> {
  const dataset = await loadDataset(
    request.data ?? join(projectRoot(), 'apps', 'cli', 'assets', 'muse-news'),
  );
  await onStage(request, async (stage) => {
    const report = await perform(stage, dataset);
    return {
      text: reportAsText(report),
      json: reportAsJson(report),
      sound: report.tamper.every((trial) => trial.caught),
    };
  });
}

async function perform(stage: Stage, dataset: Dataset): Promise<DemoReport> {
  const { directory, say, started } = stage;
  const { platform, auditor } = await startProcesses(stage);
  const registered = await registerEverything(platform, dataset, say);
  const verified = [];
  for (const release of registered.releases) verified.push(await awaitVerification(auditor, release, stage));
  const output = join(directory, 'attestations');
  const { path: jwks, keySet } = await fetchKeys(auditor.url, output);
  say('downloading attestations and proof bundles, verifying all of them offline');
  const releases: ReleaseReport[] = [];
  for (const one of verified) {
    const files = await downloadFiles(auditor, one, registered.requestIds[0]!, output);
    const checks = await verifyOffline(files, keySet, undefined);
    const { name } = one.release;
    const recorded = dataset.releases.find((release) => release.name === name)!;
    releases.push({ name, outcome: one.outcome, paperAuc: paperAuc(dataset, recorded), files, checks });
  }
  say('tampering with a copy of an attestation, of a bundle, and with a ledger row');
  const { attestation, bundle } = releases.at(-1)!.files;
  const tamper = await tamperTrials({ attestation, bundle, keySet, environment: stage.environment });
  return { releases, jwks, tamper, seconds: (Date.now() - started) / 1000 };
}
