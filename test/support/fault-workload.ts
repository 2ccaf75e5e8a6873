/**
 * The demo's workload in small: one model with references, calibration set, controls and a profile, then deletion
 * requests from many writers at once and a release now and then, all with idempotency keys.
 */
import type { SeededRandom } from '../../libs/iam/src/random.js';
import type { FaultClient } from './fault-client.js';

const CALIBRATION = 120;
const CONTROLS = 60;
export const SAMPLES_PER_REQUEST = 2;
/** A fixed day, so that a repeated request has the same content. */
const RECEIVED_AT = '2026-01-15T09:00:00.000Z';

const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(6, '0')}`);

/** An acknowledged deletion request. */
export interface Acknowledged {
  readonly key: string;
  readonly number: number;
  readonly id: string;
}

export interface WorkloadOptions {
  readonly client: () => FaultClient;
  readonly random: SeededRandom;
  /** Deletion requests that the recordings have signals for. */
  readonly requests: number;
  /** Each request of this number is about the verified model, the others about one without releases; default 1. */
  readonly verifiedEvery?: number;
}

export class Workload {
  readonly acknowledged: Acknowledged[] = [];
  /** Called at each acknowledgement, before the writer goes on. */
  onAcknowledged: () => void = () => undefined;
  /** The verified one. */
  modelId = '';
  private unverifiedModelId = '';
  private readonly verifiedEvery: number;
  private readonly pool: readonly string[];
  private next = 0;
  private releases = 0;

  constructor(private readonly options: WorkloadOptions) {
    const { requests, verifiedEvery = 1 } = options;
    this.verifiedEvery = verifiedEvery;
    const numbers = Array.from({ length: requests }, (_, number) => number);
    this.pool = numbers.filter((number) => this.isVerified(number)).flatMap((number) => samplesOf(number));
  }

  /** Registers everything that verifications need, up to the frozen profile and a first release. */
  async prepare(): Promise<void> {
    const client = this.options.client();
    this.modelId = await client.mutate('registerModel', {
      name: 'crash',
      signalKind: 'LOSS',
      idempotencyKey: 'model',
    });
    this.unverifiedModelId = await client.mutate('registerModel', {
      name: 'unverified',
      signalKind: 'LOSS',
      idempotencyKey: 'unverified-model',
    });
    await this.reference('ORIGINAL', 'original', 1);
    await this.reference('SHADOW', 'shadow', 3);
    const calibration = named('c', CALIBRATION);
    const recordingId = await client.upload(this.losses(calibration, 3));
    const { modelId } = this;
    const calibrationSetId = await client.mutate('registerCalibrationSet', {
      modelId,
      name: 'calibration',
      recordingId,
      trustedUnder: 'retrained',
      idempotencyKey: 'calibration',
    });
    const controlsSetId = await client.mutate('registerControls', {
      modelId,
      name: 'controls',
      sampleIds: named('k', CONTROLS),
      idempotencyKey: 'controls',
    });
    await client.mutate('freezeProfile', {
      modelId,
      calibrationSetId,
      controlsSetId,
      resamples: 199,
      idempotencyKey: 'profile',
    });
    await this.registerRelease();
  }

  /** Registers one more release, which has it verified. */
  async registerRelease(): Promise<string> {
    const number = this.releases;
    this.releases += 1;
    const { modelId } = this;
    const recordingId = await this.options.client().upload(this.allLosses(2.9));
    return this.options.client().mutate('registerRelease', {
      modelId,
      name: `release ${number}`,
      recordingId,
      idempotencyKey: `release-${number}`,
    });
  }

  /** Files `count` requests from `writers` writers at once; resolves when all of them are acknowledged. */
  async file(count: number, writers: number): Promise<void> {
    const end = this.next + count;
    const writer = async () => {
      while (this.next < end) {
        const number = this.next;
        this.next += 1;
        const id = await this.send(number);
        this.acknowledged.push({ key: keyOf(number), number, id });
        this.onAcknowledged();
      }
    };
    await Promise.all(Array.from({ length: writers }, writer));
  }

  /** Files request `number` (again): the same key and content each time. */
  send(number: number): Promise<string> {
    const modelId = this.isVerified(number) ? this.modelId : this.unverifiedModelId;
    const samples = samplesOf(number).map((sampleId) => ({ modelId, sampleId }));
    return this.options.client().mutate('fileDeletionRequest', {
      subject: `subject-${number}`,
      regime: 'GDPR',
      receivedAt: RECEIVED_AT,
      samples,
      idempotencyKey: keyOf(number),
    });
  }

  private isVerified(number: number): boolean {
    return number % this.verifiedEvery === 0;
  }

  private async reference(role: string, name: string, level: number): Promise<void> {
    const recordingId = await this.options.client().upload(this.allLosses(level));
    await this.options.client().mutate('registerReference', {
      modelId: this.modelId,
      role,
      name,
      recordingId,
      idempotencyKey: name,
    });
  }

  private allLosses(level: number) {
    return this.losses([...this.pool, ...named('c', CALIBRATION), ...named('k', CONTROLS)], level);
  }

  private losses(sampleIds: readonly string[], level: number): { sampleId: string; loss: number }[] {
    const { random } = this.options;
    return sampleIds.map((sampleId) => ({ sampleId, loss: level + random.nextUnit() }));
  }
}

const samplesOf = (number: number): string[] =>
  Array.from({ length: SAMPLES_PER_REQUEST }, (_, n) => `s-${number}-${n}`);

const keyOf = (number: number): string => `request-${number}`;
