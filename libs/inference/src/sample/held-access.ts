/**
 * Where samples that their owner keeps may be fetched from. The URL comes from whoever stores samples, the request from inside
 * the operator's network: so the operator names the hosts, and the addresses behind a name must be public ones unless the
 * operator says otherwise. The address that was checked is the one that is connected to: a name that resolves to something
 * else a moment later gains nothing. Proven by held-samples.spec.ts.
 */
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { hostMatches } from '../endpoint/endpoint-access.js';
import { InferenceError } from '../errors.js';

export interface HeldSampleAccess {
  /** `host`, `host:port` or `*.domain`, lower case; IPv6 addresses in brackets. */
  readonly hosts: readonly string[];
  /** Private and loopback addresses are fine, too. */
  readonly allowsPrivate: boolean;
}

/** Where clouds hand out credentials over IPv6; it lies in a range that is private otherwise. */
const CREDENTIALS_V6 = 'fd00:ec2::254';
const PUBLIC = new Set(['unicast']);
const PRIVATE = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat']);

/** @throws InferenceError SAMPLE_HOST_FORBIDDEN */
export function checkHeldUrl(text: string, access: HeldSampleAccess): URL {
  const url = new URL(text);
  const port = Number(url.port || 443);
  if (url.protocol !== 'https:') throw forbidden('kept samples are fetched over https only');
  if (!access.hosts.some((pattern) => hostMatches(pattern, url.hostname.toLowerCase(), port)))
    throw forbidden(
      'the host of a kept sample is not among LACUNA_SAMPLE_HOSTS; the operator must add it there',
    );
  // An address is not looked up, so it is checked here.
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(literal)) checkAddress(literal, access);
  return url;
}

/** `dns.lookup` for sockets; gives an address only where all addresses of the name are allowed. */
export const guardedLookup =
  (access: HeldSampleAccess, resolve: typeof lookup = lookup): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      try {
        for (const { address } of addresses) checkAddress(address, access);
      } catch (refusal) {
        return callback(refusal as NodeJS.ErrnoException, '', 0);
      }
      if (options.all) return callback(null, addresses);
      return callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };

function checkAddress(address: string, { allowsPrivate }: HeldSampleAccess): void {
  // Unmaps IPv4 in IPv6.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  const allowed = PUBLIC.has(range) || (allowsPrivate && PRIVATE.has(range));
  if (allowed && parsed.toString() !== CREDENTIALS_V6) return;
  throw forbidden(`the host of a kept sample has an address of the kind ${range}, which is not allowed`);
}

function forbidden(message: string): InferenceError {
  return new InferenceError('SAMPLE_HOST_FORBIDDEN', message);
}
