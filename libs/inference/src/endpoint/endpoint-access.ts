/**
 * Which endpoints a worker may talk to. The URL of an endpoint comes from whoever registers releases, the request from
 * inside the operator's network: without a fence that is a way to reach anything in there. So the operator names the
 * hosts; nothing is reachable until named. A named host may have a private or loopback address, since inference servers
 * stand beside the worker; link-local addresses (where clouds hand out credentials) are refused even then.
 * Proven by endpoint-access.spec.ts.
 */
import { readFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { lookup } from 'node:dns';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { InferenceError } from '../errors.js';

export interface EndpointAccess {
  /** `host`, `host:port` or `*.domain`, lower case; IPv6 addresses in brackets. */
  readonly hosts: readonly string[];
  /** Bearer token by `host:port` or `host`. */
  readonly tokens: ReadonlyMap<string, string>;
}

/** One endpoint that may be contacted. */
export interface Endpoint {
  readonly secure: boolean;
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Without a slash at its end; empty for the root. */
  readonly basePath: string;
  readonly token: string | null;
}

export const NO_ENDPOINTS: EndpointAccess = { hosts: [], tokens: new Map() };

/** Printable ASCII, as a header can carry it. */
const tokenFileSchema = z.record(z.string(), z.string().regex(/^[\x21-\x7e]+$/));

/**
 * Returns the access that the settings describe.
 * @param tokensFile JSON object from `host` or `host:port` to bearer token, or undefined
 * @throws InferenceError RUNTIME_UNAVAILABLE where the file cannot be read or is no such object
 */
export function endpointAccess(hosts: readonly string[], tokensFile: string | undefined): EndpointAccess {
  return { hosts, tokens: tokensFile === undefined ? new Map() : readTokens(tokensFile) };
}

function readTokens(file: string): ReadonlyMap<string, string> {
  try {
    const tokens = tokenFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return new Map(Object.entries(tokens).map(([host, token]) => [host.toLowerCase(), token]));
  } catch {
    // The cause may quote the file, and with it a token.
    throw new InferenceError(
      'RUNTIME_UNAVAILABLE',
      'the file named by LACUNA_ENDPOINT_TOKENS cannot be used; it must be readable and hold a JSON object ' +
        'from host (or host:port) to token',
    );
  }
}

/**
 * Returns the endpoint at `url`, if the operator allows it.
 * @throws InferenceError RUNTIME_ENDPOINT_FORBIDDEN
 */
export function checkEndpoint(url: string, access: EndpointAccess): Endpoint {
  const parsed = parseEndpointUrl(url);
  const port = Number(parsed.port || (parsed.protocol === 'https:' ? 443 : 80));
  const host = parsed.hostname.toLowerCase();
  if (!access.hosts.some((pattern) => hostMatches(pattern, host, port))) {
    throw forbidden(
      `${host}:${port} is not among the hosts of LACUNA_ENDPOINT_HOSTS; the operator must add it there`,
    );
  }
  const hostname = host.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(hostname)) checkAddress(hostname);
  const token = access.tokens.get(`${host}:${port}`) ?? access.tokens.get(host) ?? null;
  const basePath = parsed.pathname.replace(/\/+$/, '');
  return { secure: parsed.protocol === 'https:', hostname, port, basePath, token };
}

function parseEndpointUrl(url: string): URL {
  if (!URL.canParse(url)) throw forbidden('the address of the endpoint is no URL');
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw forbidden('the address of an endpoint must begin with http:// or https://');
  }
  if (parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw forbidden(
      'the address of an endpoint must hold no user, password, query or fragment; tokens belong into the file ' +
        'named by LACUNA_ENDPOINT_TOKENS',
    );
  }
  return parsed;
}

/** Whether `host:port` is meant by `host`, `host:port` or `*.domain`. */
export function hostMatches(pattern: string, host: string, port: number): boolean {
  const [, name, ofPort] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(pattern) ?? [];
  if (name === undefined || (ofPort !== undefined && Number(ofPort) !== port)) return false;
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length >= name.length : host === name;
}

/** `dns.lookup` for sockets that refuses addresses which are never allowed, whatever name leads to them. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0);
    try {
      addresses.forEach(({ address }) => checkAddress(address));
    } catch (refusal) {
      return callback(refusal as NodeJS.ErrnoException, '', 0);
    }
    if (options.all) return callback(null, addresses);
    return callback(null, addresses[0]!.address, addresses[0]!.family);
  });
};

/** fd00:ec2::254 is where one cloud serves credentials over IPv6; it lies in a range that is fine otherwise. */
const CREDENTIALS_V6 = 'fd00:ec2::254';
const NEVER = new Set(['linkLocal', 'multicast', 'broadcast', 'unspecified']);

function checkAddress(address: string): void {
  const parsed = ipaddr.process(address);
  if (NEVER.has(parsed.range()) || parsed.toString() === CREDENTIALS_V6) {
    throw forbidden(
      'the host of the endpoint has a link-local, multicast or unspecified address: never allowed',
    );
  }
}

function forbidden(message: string): InferenceError {
  return new InferenceError('RUNTIME_ENDPOINT_FORBIDDEN', message);
}
