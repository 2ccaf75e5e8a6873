/** The reference witness as a process: its key, its memory, its socket. It needs no database and no other service. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readOrCreateSecret } from '@app/access';
import { createLogger, type Logger } from '@app/logging';
import { createCosigner, formatVerifierKey } from '@app/tlog';
import { KnownLogs, startWitnessServer, Witness, WitnessError, WitnessState } from '@app/witness';
import { readText } from '../read-input.js';

export interface WitnessRequest {
  /** Key name of the cosignatures. */
  readonly name: string;
  /** File of known logs. */
  readonly logs: string;
  /** Folder of key and state; made where there is none. */
  readonly data: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface RunningWitness {
  readonly url: string;
  readonly vkey: string;
  close(): Promise<void>;
}

/** Runs until SIGTERM or SIGINT; says on standard output what to write into a policy. */
export async function runWitness(request: WitnessRequest): Promise<void> {
  const witness = await startWitness(request, createLogger({ name: 'witness', level: 'info' }));
  process.stdout.write(`The witness is listening on ${witness.url}\n`);
  process.stdout.write(`witness ${request.name} ${witness.vkey} ${witness.url}\n`);
  await new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await witness.close();
}

/** @throws WitnessError, AccessError, TlogError, CliError: each names what it cannot use */
export async function startWitness(request: WitnessRequest, logger: Logger): Promise<RunningWitness> {
  const logs = KnownLogs.parse(await readText(request.logs));
  const key = openWitnessKey(join(request.data, 'witness.pem'));
  const cosigner = createCosigner(request.name, key, () => BigInt(Math.floor(Date.now() / 1000)));
  const vkey = formatVerifierKey(cosigner);
  const state = WitnessState.open(join(request.data, 'state'));
  try {
    const server = await startWitnessServer({
      witness: new Witness({ logs, state, cosigner }),
      vkey,
      host: request.host,
      port: request.port,
      onAnswer: (path, status, error) =>
        error === undefined
          ? logger.info({ path, status }, 'answered')
          : logger.error({ path, status, err: error }, 'could not answer'),
    });
    return {
      url: server.url,
      vkey,
      close: async () => {
        await server.close();
        state.close();
      },
    };
  } catch (error) {
    state.close();
    throw error;
  }
}

/** @throws WitnessError `WITNESS_KEY_UNUSABLE` also for a key that others on this machine may read */
function openWitnessKey(path: string): KeyObject {
  const { text } = readOrCreateSecret(path, () =>
    generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  );
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new WitnessError('WITNESS_KEY_UNUSABLE', `${path} can be read by others; chmod 600 it`);
  }
  try {
    return createPrivateKey(text);
  } catch {
    // The cause is dropped on purpose: a parser's message may quote its input.
    throw new WitnessError('WITNESS_KEY_UNUSABLE', `${path} holds no private key in PKCS#8 PEM`);
  }
}
