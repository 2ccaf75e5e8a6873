import { loadConfig } from '@app/config';
import {
  type BackendCheck,
  checkBackends,
  type ChosenBackend,
  chosenBackends,
  inspectMachine,
  type MachineFacts,
  runtimeOptionsOf,
} from '@app/inference';
import Table from 'cli-table3';

interface DoctorReport {
  readonly machine: MachineFacts;
  readonly backends: readonly BackendCheck[];
  readonly artifacts: readonly ChosenBackend[];
}

/** Looks, checks and prints; changes nothing. */
export async function runDoctor({ json }: { readonly json?: true }): Promise<void> {
  const options = runtimeOptionsOf(loadConfig(process.env));
  const backends = await checkBackends(options);
  const report: DoctorReport = {
    machine: await inspectMachine(),
    backends,
    artifacts: chosenBackends(options, backends),
  };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : formatReport(report));
}

function formatReport({ machine, backends, artifacts }: DoctorReport): string {
  const has = table(['this machine', '']);
  has.push(
    ['Node.js', `${machine.node} on ${machine.platform}`],
    ['CPU', `${machine.cores} cores, ${machine.cpu}`],
    ['vector extensions', machine.simd.join(' ') || 'none known'],
    ['memory', `${machine.memoryMb} MiB, ${machine.freeMemoryMb} MiB free`],
    ['GPU', machine.gpus.join('\n') || 'none found'],
  );
  const checked = table(['backend', 'usable', 'why']);
  for (const { backend, usable, detail } of backends) checked.push([backend, usable ? 'yes' : 'no', detail]);
  const used = table(['artifact', 'would run on', 'why']);
  for (const { artifact, backend, reason } of artifacts) used.push([artifact, backend ?? 'nothing', reason]);
  return `${[has, checked, used].map((part) => part.toString()).join('\n')}\n`;
}

function table(head: string[]): Table.Table {
  return new Table({ head, style: { head: [], border: [] } });
}
