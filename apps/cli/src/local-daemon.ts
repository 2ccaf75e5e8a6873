/** How a command reaches a daemon: the one that is named, or the one that runs from this data directory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mintLocalToken, type Role } from '@app/access';
import { loadConfig } from '@app/config';
import { dataDirectory } from '@app/persistence';
import { ApiClient } from './demo/api-client.js';
import { CliError } from './errors.js';

export interface DaemonFlags {
  readonly url?: string;
  readonly token?: string;
}

export interface DaemonAddress {
  readonly url: string;
  readonly token: string;
}

export interface TokenWish {
  /** For the log of the daemon: who asks. */
  readonly command: string;
  /** How long a token of our own is needed. */
  readonly seconds: number;
  /** Default: auditor. */
  readonly role?: Role;
}

/** @throws CliError `CLI_DAEMON_UNKNOWN` */
export async function findDaemon(
  { url, token }: DaemonFlags,
  { command, seconds, role }: TokenWish,
): Promise<DaemonAddress> {
  const directory = dataDirectory(loadConfig(process.env)).path;
  const order = {
    directory,
    roles: [role ?? ('auditor' as const)],
    ttlSeconds: seconds,
    subject: command,
    now: new Date(),
  };
  return {
    url: url ?? (await runningDaemon(directory)),
    token: token ?? (await mintLocalToken(order)),
  };
}

/** @throws CliError `CLI_DAEMON_UNKNOWN` */
export async function openDaemon(flags: DaemonFlags, wish: TokenWish): Promise<ApiClient> {
  const { url, token } = await findDaemon(flags, wish);
  return new ApiClient(url, token);
}

/** Address of the daemon that runs from this data directory, as it wrote it down. */
async function runningDaemon(directory: string): Promise<string> {
  try {
    const { url } = JSON.parse(await readFile(join(directory, 'daemon.json'), 'utf8')) as { url: string };
    return url;
  } catch (cause) {
    throw new CliError('CLI_DAEMON_UNKNOWN', `no daemon runs from ${directory}; name one with --url`, {
      cause,
    });
  }
}
