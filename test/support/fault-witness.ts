/**
 * A reference witness behind a socket that can die at a named step, hang, and be started again over the same memory.
 * To its callers it is what a killed process is: the connection breaks, and nobody listens to the next one.
 */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCosigner, createVerifierKey, formatVerifierKey, type WitnessedTree } from '@app/tlog';
import { KnownLogs, Witness, WitnessState } from '@app/witness';
import { InjectedCrash, Tripwire } from './fault-tripwire.js';

/** The process that left its lock behind; it has ended. */
const DEAD_PID = spawnSync(process.execPath, ['--version']).pid;

type Life = { readonly witness: Witness; readonly tripwire: Tripwire };

export class FaultWitness {
  private readonly directory = mkdtempSync(join(tmpdir(), 'lacuna-witness-'));
  private readonly cosigner;
  private readonly server = createServer((request, response) => void this.respond(request, response));
  private state: WitnessState | null = null;
  private life: Life | null = null;
  /** Requests are taken and never answered. */
  hangs = false;

  constructor(
    readonly name: string,
    private readonly logVkey: string,
  ) {
    const { privateKey } = generateKeyPairSync('ed25519');
    this.cosigner = createCosigner(`${name}.test`, privateKey, () => BigInt(Math.floor(Date.now() / 1000)));
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.start();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get key() {
    return createVerifierKey(this.cosigner);
  }

  /** Its line in a policy file. */
  get policyLine(): string {
    return `witness ${this.name} ${formatVerifierKey(this.cosigner)} ${this.url}`;
  }

  /** A process over what the last one left on disk. */
  start(tripwire = new Tripwire('never')): void {
    if (this.state) writeFileSync(join(this.directory, 'lock'), String(DEAD_PID));
    const state = WitnessState.open(this.directory);
    const parts = {
      logs: KnownLogs.parse(`ledger ${this.logVkey}\n`),
      state: tripwire.witnessState(state),
      cosigner: tripwire.cosigner(this.cosigner),
    };
    this.state = state;
    this.life = { witness: new Witness(parts), tripwire };
  }

  /** As SIGKILL: nothing is closed, the lock stays. */
  die(): void {
    this.life = null;
  }

  get alive(): boolean {
    return this.life !== null;
  }

  /** What stands on its disk. */
  remembers(origin: string): WitnessedTree | undefined {
    return this.state?.read(origin);
  }

  /** What a death in the middle of writing leaves: half of the file that would have replaced the old one. */
  tearDraft(origin: string): void {
    const name = createHash('sha256').update(origin).digest('hex');
    writeFileSync(join(this.directory, `${name}.tree.draft`), origin.slice(0, 5));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.hangs) return;
    const answer = this.answerTo(Buffer.concat(chunks));
    if (answer) response.writeHead(answer.status, { 'content-type': answer.contentType }).end(answer.body);
    else request.socket.destroy();
  }

  private answerTo(body: Buffer) {
    if (!this.life) return null;
    const { witness, tripwire } = this.life;
    try {
      return tripwire.answer(() => witness.addCheckpoint(body));
    } catch (error) {
      if (!(error instanceof InjectedCrash)) throw error;
      this.die();
      return null;
    }
  }
}
