/** A tlog-policy as a log's operator uses it: which witnesses are asked, and how many must have cosigned. */
import { isQuorumMet, parsePolicy, type Policy } from '@app/tlog';
import { WitnessError } from './errors.js';

/**
 * Reads a policy file whose quorum the witnesses with an address can meet. Its `log` lines are for other readers of the
 * same file and are not used.
 * @throws TlogError `TLOG_POLICY_MALFORMED`, WitnessError `WITNESS_POLICY_UNUSABLE`
 */
export function parsePublishingPolicy(file: string | Uint8Array): Policy {
  const policy = parsePolicy(file);
  for (const { name, url } of policy.witnesses) {
    if (url !== undefined && !isHttpAddress(url)) {
      throw new WitnessError('WITNESS_POLICY_UNUSABLE', `the address of witness ${name} is no http(s) URL`);
    }
  }
  const reachable = policy.witnesses.filter(({ url }) => url !== undefined).map(({ name }) => name);
  if (!isQuorumMet(policy, new Set(reachable))) {
    throw new WitnessError(
      'WITNESS_POLICY_UNUSABLE',
      'the witnesses that have an address can never meet the quorum: nothing could be published',
    );
  }
  return policy;
}

function isHttpAddress(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
