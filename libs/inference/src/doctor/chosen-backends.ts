import { type Backend, type BackendCheck, isOnnxBackend, isTfjsBackend } from '../backends.js';
import type { RuntimeOptions } from '../runtime.js';

/** What an artifact of one kind would be run on here. */
export interface ChosenBackend {
  /** Kind of artifact, with the form of its files where it matters. */
  readonly artifact: string;
  /** Null where nothing here can run it. */
  readonly backend: string | null;
  readonly reason: string;
}

/** What would be used for each kind of artifact, and why: the first allowed backend that passed its check. */
export function chosenBackends(
  { backends: allowed, endpoints }: Pick<RuntimeOptions, 'backends' | 'endpoints'>,
  checks: readonly BackendCheck[],
): ChosenBackend[] {
  const choose = (artifact: string, candidates: readonly Backend[]): ChosenBackend => {
    const inOrder = allowed.filter((backend) => candidates.includes(backend));
    const chosen = inOrder.find((backend) => checks.find((check) => check.backend === backend)?.usable);
    const passedOver = inOrder.slice(0, chosen ? inOrder.indexOf(chosen) : undefined);
    return { artifact, backend: chosen ?? null, reason: reasonOf(chosen, passedOver) };
  };
  const endpoint = (artifact: string): ChosenBackend =>
    endpoints.hosts.length > 0
      ? { artifact, backend: 'endpoint', reason: `allowed hosts: ${endpoints.hosts.join(', ')}` }
      : { artifact, backend: null, reason: 'LACUNA_ENDPOINT_HOSTS allows no host' };
  const names = checks.map(({ backend }) => backend);
  return [
    choose('onnx', names.filter(isOnnxBackend)),
    choose('tfjs (LayersModel, GraphModel)', names.filter(isTfjsBackend)),
    choose(
      'tfjs (SavedModel)',
      names.filter((backend) => backend === 'tfjs-node-gpu' || backend === 'tfjs-node'),
    ),
    endpoint('open-inference'),
    endpoint('openai-completions'),
    { artifact: 'recorded', backend: 'database', reason: 'nothing is run: signals were measured elsewhere' },
  ];
}

function reasonOf(chosen: Backend | undefined, passedOver: readonly Backend[]): string {
  const without = passedOver.length > 0 ? `not usable: ${passedOver.join(', ')}` : 'first choice';
  if (chosen) return without;
  return passedOver.length > 0 ? without : 'LACUNA_INFERENCE_BACKENDS allows none';
}
