/**
 * Proof bundles: everything with which one data subject checks their own commitments, and nothing of anybody else.
 * Proven by test/medium/verification-attestation.spec.ts.
 */
import {
  type Bundle,
  BUNDLE_FORMAT,
  type BundleCommitment,
  formatBundle,
  hashResultLeaf,
} from '@app/attestation';
import { LedgerService } from '@app/ledger';
import { MemoryTree } from '@app/tlog';
import { Injectable } from '@nestjs/common';
import { VerificationError } from '../errors.js';
import { FactsRepository } from '../facts.repository.js';
import { BLOCK_WIDTH } from '../plan.js';
import { ResultRepository } from '../result.repository.js';
import { VerificationService } from '../verification.service.js';
import { type Attestation, AttestationRepository } from './attestation.repository.js';
import { AttestationService } from './attestation.service.js';

export interface BundleRequest {
  readonly requestId: string;
  readonly modelId: string;
  /** Default: the newest attestation of the model that covers the request. */
  readonly attestationId?: string | undefined;
}

type Opening = Awaited<ReturnType<FactsRepository['openings']>>[number];

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

@Injectable()
export class BundleService {
  constructor(
    private readonly attestations: AttestationService,
    private readonly repository: AttestationRepository,
    private readonly verifications: VerificationService,
    private readonly results: ResultRepository,
    private readonly facts: FactsRepository,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * The bundle's file text.
   * @throws VERIFICATION_REQUEST_UNKNOWN when the model has no commitment of the request; VERIFICATION_REQUEST_ERASED;
   *   VERIFICATION_NOT_ATTESTED when no attestation (or not the one asked for) covers all of them yet
   */
  async forRequest({ requestId, modelId, attestationId }: BundleRequest): Promise<string> {
    const log = await this.ledger.commitmentLog(modelId);
    const openings = await this.facts.openings(log.logId, requestId);
    const last = openings.at(-1);
    if (!last) {
      if (await this.facts.isErased(requestId)) {
        throw new VerificationError(
          'VERIFICATION_REQUEST_ERASED',
          'this deletion request was erased: what opens its commitments is destroyed, so no new proof bundle can be made',
        );
      }
      throw new VerificationError(
        'VERIFICATION_REQUEST_UNKNOWN',
        'the model has no commitment of this deletion request',
      );
    }
    const attestation = await this.attestationFor(modelId, last.leafIndex, attestationId);
    const { treeSize } = await this.verifications.get(attestation.verificationId);
    const proofs = await this.resultProofs(attestation.verificationId, treeSize, openings);
    const commitments = await Promise.all(
      openings.map(async (opening, i): Promise<BundleCommitment> => {
        const proof = await this.ledger.proveInclusion(log.logId, opening.leafIndex, treeSize);
        return {
          leafIndex: String(opening.leafIndex),
          content: opening.content,
          salt: base64(opening.salt),
          leaf: Buffer.from(opening.leaf).toString('utf8'),
          inclusionProof: proof.map(base64),
          ...proofs[i]!,
        };
      }),
    );
    const bundle: Bundle = {
      format: BUNDLE_FORMAT,
      attestation: attestation.jws,
      attestationProof: await this.attestations.tlogProof(attestation),
      commitments,
    };
    return formatBundle(bundle);
  }

  private async attestationFor(
    modelId: string,
    lastIndex: bigint,
    attestationId?: string,
  ): Promise<Attestation> {
    const attestation =
      attestationId === undefined
        ? await this.repository.latestCovering(modelId, lastIndex + 1n)
        : await this.attestations.get(attestationId);
    if (attestation?.modelId === modelId) {
      const { treeSize } = await this.verifications.get(attestation.verificationId);
      if (treeSize > lastIndex) return attestation;
    }
    throw new VerificationError(
      'VERIFICATION_NOT_ATTESTED',
      'no such attestation covers this deletion request yet; ask again after the next verification',
      { retryable: true },
    );
  }

  /**
   * Result leaf and its proof for each commitment. Only the touched blocks are read: a block of 4,096 leaves is a
   * perfect subtree (or the right edge), so a proof is one within the block and one over the roots of the blocks.
   */
  private async resultProofs(
    verificationId: string,
    treeSize: bigint,
    openings: readonly Opening[],
  ): Promise<Pick<BundleCommitment, 'resultLeaf' | 'resultInclusionProof'>[]> {
    const outcome = await this.results.outcome(verificationId);
    const roots = new MemoryTree((outcome?.summary.blockRoots ?? []).map(fromBase64));
    const blocks = new Map<number, { leaves: string[]; tree: MemoryTree }>();
    const proofs = [];
    for (const { leafIndex } of openings) {
      const blockIndex = Number(leafIndex / BigInt(BLOCK_WIDTH));
      const block = blocks.get(blockIndex) ?? (await this.readBlock(verificationId, blockIndex));
      blocks.set(blockIndex, block);
      const position = leafIndex % BigInt(BLOCK_WIDTH);
      const resultLeaf = block.leaves[Number(position)];
      if (resultLeaf === undefined || roots.treeSize * BigInt(BLOCK_WIDTH) < treeSize) {
        throw new VerificationError('VERIFICATION_RESULTS_CORRUPT', 'a result leaf is missing');
      }
      const path = [...block.tree.proveInclusion(position), ...roots.proveInclusion(BigInt(blockIndex))];
      proofs.push({ resultLeaf, resultInclusionProof: path.map(base64) });
    }
    return proofs;
  }

  private async readBlock(verificationId: string, blockIndex: number) {
    const leaves = (await this.results.blockLeaves(verificationId, blockIndex)) ?? [];
    return { leaves, tree: new MemoryTree(leaves.map(hashResultLeaf)) };
  }
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
