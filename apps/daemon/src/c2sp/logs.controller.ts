/**
 * Every log as any C2SP client reads it (tlog-tiles v0.1.0), below /logs/<origin>/: checkpoint, tile/<L>/<N>[.p/<W>],
 * tile/entries/<N>[.p/<W>], and vkey. Leaves hold salted commitments only, and witnesses and monitors have no accounts,
 * so no token is asked for. What no published checkpoint covers is not there yet. Proven by test/medium/c2sp.spec.ts and
 * by the independent client of test/interop.
 */
import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { CodedError } from '@app/errors';
import { LedgerService, type LogRow } from '@app/ledger';
import {
  createEd25519Signer,
  formatEntryBundle,
  formatVerifierKey,
  HASH_BYTES,
  parseEntryBundlePath,
  parseTilePath,
  TILE_HEIGHT,
  TILE_WIDTH,
} from '@app/tlog';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Everybody } from '../auth/roles.decorator.js';
import { DaemonError } from '../errors.js';
import { type DaemonKeys } from '../keys/daemon-keys.js';
import { KEYS } from '../keys/keys.controller.js';

/** A tile's hashes never change; a partial one is followed by wider ones under other paths. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** Longer delays monitors, shorter makes a crowd of them one query each. */
const ONE_SECOND = 'public, max-age=1, must-revalidate';
const ONE_HOUR = 'public, max-age=3600';
const TEXT = 'text/plain; charset=utf-8';

interface ServedLog {
  readonly log: LogRow;
  /** Size of the largest published checkpoint seen so far; it only grows. */
  published: bigint;
}

@Controller('logs')
export class LogsController {
  private readonly served = new Map<string, ServedLog>();

  constructor(
    private readonly ledger: LedgerService,
    @Inject(KEYS) private readonly keys: DaemonKeys,
  ) {}

  @Get('*')
  @Everybody()
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    // Browser-based monitors belong to other origins; nothing here depends on who asks.
    void reply.header('access-control-allow-origin', '*');
    const { origin, path } = split(request);
    const served = await this.find(origin);
    if (path === 'checkpoint') await this.sendCheckpoint(served.log, request, reply);
    else if (path === 'vkey') await send(reply, TEXT, ONE_HOUR, `${this.vkey(origin)}\n`);
    else await send(reply, 'application/octet-stream', FOR_EVER, Buffer.from(await this.tile(served, path)));
  }

  private async find(origin: string): Promise<ServedLog> {
    const known = this.served.get(origin);
    if (known) return known;
    const log = await this.ledger.findLog(origin);
    if (!log) throw nothing();
    const served = { log, published: 0n };
    this.served.set(origin, served);
    return served;
  }

  private vkey(origin: string): string {
    return formatVerifierKey(createEd25519Signer(origin, this.keys.log));
  }

  private async sendCheckpoint(log: LogRow, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const checkpoint = await this.ledger.checkpoint(log);
    if (!checkpoint) throw nothing();
    const etag = `"${createHash('sha256').update(checkpoint.note).digest('base64url').slice(0, 22)}"`;
    void reply.header('etag', etag);
    if (matches(request.headers['if-none-match'], etag)) {
      await reply.status(304).header('cache-control', ONE_SECOND).send();
    } else await send(reply, TEXT, ONE_SECOND, checkpoint.note);
  }

  private tile(served: ServedLog, path: string): Promise<Uint8Array> {
    return path.startsWith('tile/entries/') ? this.entryBundle(served, path) : this.treeTile(served, path);
  }

  private async treeTile(served: ServedLog, path: string): Promise<Uint8Array> {
    const place = parsed(() => parseTilePath(path));
    const { level, index, width } = place;
    const leaves = (index * BigInt(TILE_WIDTH) + BigInt(width)) << BigInt(TILE_HEIGHT * level);
    await this.requirePublished(served, leaves);
    const [tile] = await this.ledger.tiles(served.log.logId).readTiles([place]);
    // The stored tile may be a wider one; its first hashes are the narrower tile.
    return tile!.subarray(0, width * HASH_BYTES);
  }

  private async entryBundle(served: ServedLog, path: string): Promise<Uint8Array> {
    const { index, width } = parsed(() => parseEntryBundlePath(path));
    const from = index * BigInt(TILE_WIDTH);
    await this.requirePublished(served, from + BigInt(width));
    const rows = await this.ledger.entries(served.log.logId, from, width);
    return formatEntryBundle(rows.map(({ leaf }) => leaf));
  }

  /** @throws DaemonError `NOT_FOUND` unless a published checkpoint covers the first `leaves` entries */
  private async requirePublished(served: ServedLog, leaves: bigint): Promise<void> {
    if (leaves <= served.published) return;
    served.published = (await this.ledger.checkpoint(served.log))?.treeSize ?? 0n;
    if (leaves > served.published) throw nothing();
  }
}

async function send(reply: FastifyReply, type: string, cacheControl: string, body: string | Buffer) {
  await reply.type(type).header('cache-control', cacheControl).send(body);
}

/** Origins hold slashes themselves; no resource name occurs twice in a well-formed address, so the last one counts. */
function split(request: FastifyRequest): { origin: string; path: string } {
  const [address = ''] = (request.raw.url ?? '').split('?');
  const [, origin, path] = /^\/logs\/(.+)\/(checkpoint|vkey|tile\/.*)$/.exec(decoded(address)) ?? [];
  if (origin === undefined || path === undefined) throw nothing();
  return { origin, path };
}

function decoded(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch (cause) {
    throw malformed('the address is not percent-encoded UTF-8', cause);
  }
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw malformed('the path names no tile; see C2SP tlog-tiles', cause);
  }
}

function matches(header: string | undefined, etag: string): boolean {
  const listed = (header ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  return listed.includes(etag) || listed.includes('*');
}

const malformed = (message: string, cause: unknown): DaemonError =>
  new DaemonError('REQUEST_MALFORMED', message, { cause });
const nothing = (): DaemonError => new DaemonError('NOT_FOUND', 'there is nothing at this address');
