/**
 * The read side of each log as any C2SP client reads it (tlog-tiles v0.1.0): /logs/<origin>/checkpoint,
 * /logs/<origin>/tile/<L>/<N>[.p/<W>] and /logs/<origin>/tile/entries/<N>[.p/<W>]. Leaves hold salted commitments only,
 * and witnesses and monitors have no accounts, so no token is asked for.
 */
import { Controller, Get, Req, Res } from '@nestjs/common';
import { LedgerError, LedgerService } from '@app/ledger';
import { formatEntryBundle, HASH_BYTES, parseEntryBundlePath, parseTilePath, TILE_WIDTH } from '@app/tlog';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Everybody } from '../auth/roles.decorator.js';
import { DaemonError } from '../errors.js';

type LogRow = Awaited<ReturnType<LedgerService['eventLog']>>;

const PREFIX = '/logs/';
/** Tiles never change; a partial one is superseded by wider ones, never altered. */
const FOR_EVER = 'public, max-age=31536000, immutable';

@Controller('logs')
export class LogsController {
  constructor(private readonly ledger: LedgerService) {}

  @Get('*')
  @Everybody()
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { log, path } = await this.find(pathOf(request));
    if (path === 'checkpoint') {
      const checkpoint = await this.ledger.checkpoint(log);
      if (!checkpoint) throw nothing();
      await reply.type('text/plain; charset=utf-8').header('cache-control', 'no-cache').send(checkpoint.note);
      return;
    }
    const bytes = path.startsWith('tile/entries/')
      ? await this.entries(log, path)
      : await this.tile(log, path);
    await reply.type('application/octet-stream').header('cache-control', FOR_EVER).send(Buffer.from(bytes));
  }

  private async find(address: string): Promise<{ log: LogRow; path: string }> {
    const log = (await this.ledger.logs()).find(({ origin }) => address.startsWith(`${origin}/`));
    if (!log) throw nothing();
    return { log, path: address.slice(log.origin.length + 1) };
  }

  private async tile(log: LogRow, path: string): Promise<Uint8Array> {
    const place = parseTilePath(path);
    try {
      const [tile] = await this.ledger.tiles(log.logId).readTiles([place]);
      // The ledger keeps the widest; its first hashes are the narrower tile.
      if (tile) return tile.subarray(0, place.width * HASH_BYTES);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
    }
    throw nothing();
  }

  private async entries(log: LogRow, path: string): Promise<Uint8Array> {
    const { index, width } = parseEntryBundlePath(path);
    const from = index * BigInt(TILE_WIDTH);
    const signed = (await this.ledger.checkpoint(log))?.treeSize ?? 0n;
    // What no checkpoint covers is not published yet.
    if (from + BigInt(width) > signed) throw nothing();
    const rows = await this.ledger.entries(log.logId, from, width);
    return formatEntryBundle(rows.map(({ leaf }) => leaf));
  }
}

function pathOf(request: FastifyRequest): string {
  const [path = ''] = request.raw.url?.split('?') ?? [];
  try {
    return decodeURIComponent(path.slice(PREFIX.length));
  } catch {
    throw nothing();
  }
}

function nothing(): DaemonError {
  return new DaemonError('NOT_FOUND', 'there is nothing at this address');
}
