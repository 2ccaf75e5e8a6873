/** A C2SP log behind an address: checkpoint, tiles and entry bundles, read as anybody can read them. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type EntryBundleCoordinates,
  formatEntryBundlePath,
  formatTilePath,
  HASH_BYTES,
  parseEntryBundle,
  TILE_WIDTH,
  type TileCoordinates,
} from '@app/tlog';
import { CliError } from '../errors.js';

/** A full bundle has below 17 MB; a server that needs longer for one is down. */
const FETCH_TIMEOUT_MS = 60_000;
/** Tries of a request that the server failed or refused to serve now. */
const TRIES = 4;
const FIRST_RETRY_MS = 200;

export class HttpLog {
  readonly url: string;

  constructor(url: string) {
    this.url = url.replace(/\/+$/, '');
  }

  /** @throws CliError `CLI_LOG_UNREACHABLE` */
  async checkpoint(): Promise<string> {
    return Buffer.from(await this.required('checkpoint')).toString('utf8');
  }

  /** The verifier key that the log itself publishes. @throws CliError `CLI_LOG_UNREACHABLE` */
  async vkey(): Promise<string> {
    return Buffer.from(await this.required('vkey'))
      .toString('utf8')
      .trimEnd();
  }

  /** `width` hashes of a tile, or undefined where the log does not have them. @throws CliError `CLI_LOG_UNREACHABLE` */
  async tile(place: TileCoordinates): Promise<Uint8Array | undefined> {
    const bytes =
      (await this.read(formatTilePath(place))) ??
      // A log may drop a partial tile once it has the full one.
      (await this.read(formatTilePath({ ...place, width: TILE_WIDTH })));
    return bytes?.subarray(0, place.width * HASH_BYTES);
  }

  /**
   * `width` entries of a bundle, or undefined where the log does not have them.
   * @throws CliError `CLI_LOG_UNREACHABLE`, TlogError `TLOG_ENTRY_BUNDLE_MALFORMED`
   */
  async entries(place: EntryBundleCoordinates): Promise<Uint8Array[] | undefined> {
    const narrow = await this.read(formatEntryBundlePath(place));
    if (narrow) return parseEntryBundle(narrow, place.width);
    const full = await this.read(formatEntryBundlePath({ ...place, width: TILE_WIDTH }));
    return full && parseEntryBundle(full, TILE_WIDTH).slice(0, place.width);
  }

  private async required(path: string): Promise<Uint8Array> {
    const bytes = await this.read(path);
    if (!bytes) throw new CliError('CLI_LOG_UNREACHABLE', `${this.url}/${path} does not exist`);
    return bytes;
  }

  /** Undefined for 404 and 410; other failures are tried again. */
  private async read(path: string): Promise<Uint8Array | undefined> {
    let cause: unknown;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      if (attempt > 0) await delay(FIRST_RETRY_MS * 2 ** attempt);
      try {
        const response = await fetch(`${this.url}/${path}`, {
          signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
        });
        if (response.ok) return new Uint8Array(await response.arrayBuffer());
        await response.body?.cancel();
        if (response.status === 404 || response.status === 410) return undefined;
        cause = new Error(`HTTP ${response.status}`);
        if (response.status < 500 && response.status !== 429) break;
      } catch (error) {
        cause = error;
      }
    }
    throw new CliError('CLI_LOG_UNREACHABLE', `cannot read ${this.url}/${path}`, { cause });
  }
}
