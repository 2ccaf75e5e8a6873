/**
 * A listening daemon in this process, on a test database of its own and a data directory that goes with it: what a
 * client sees over HTTP, without the price of a process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintLocalToken, type Role } from '@app/access';
import { loadConfig } from '@app/config';
import type { Clock } from '@app/ledger';
import { createLogger } from '@app/logging';
import { type Daemon, startDaemon } from '../../apps/daemon/src/start-daemon.js';
import { TEST_LEDGER } from './ledger.js';
import type { TestDatabase } from './test-database.js';

export interface GraphqlAnswer {
  readonly status: number;
  readonly data: Record<string, unknown> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: {
      readonly code: string;
      readonly retryable: boolean;
      readonly details: Record<string, unknown>;
    };
  }[];
}

/** Who asks: a caller with one role, with none at all, or with a header of the test's own making. */
export type Caller = Role | 'nobody' | { readonly authorization: string };

export interface TestDaemon {
  readonly daemon: Daemon;
  readonly url: string;
  readonly directory: string;
  /** Every line logged so far. */
  readonly logLines: readonly string[];
  headersOf(caller: Caller): Promise<Record<string, string>>;
  graphql(caller: Caller, query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer>;
  get(caller: Caller, path: string, headers?: Record<string, string>): Promise<Response>;
  upload(
    caller: Caller,
    path: string,
    body: NonNullable<RequestInit['body']>,
    contentType?: string,
  ): Promise<Response>;
  close(): Promise<void>;
}

export interface TestDaemonOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

export async function testDaemon(
  database: TestDatabase,
  options: TestDaemonOptions = {},
): Promise<TestDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-daemon-'));
  const clock = options.clock ?? (() => new Date());
  const logLines: string[] = [];
  const config = loadConfig({
    LACUNA_DATA_DIR: directory,
    LACUNA_PORT: '0',
    LACUNA_CHECKPOINT_INTERVAL_MS: '10',
    LACUNA_REVERIFY_CRON: 'off',
    LACUNA_AUDIT_CRON: 'off',
    LACUNA_LEDGER_NAME: TEST_LEDGER,
    ...options.settings,
  });
  const logger = createLogger({ name: 'test', level: 'info' }, { write: (line) => void logLines.push(line) });
  const daemon = await startDaemon(config, {
    logger,
    clock,
    database: { address: database.address, close: () => Promise.resolve() },
  });
  const headersOf = async (caller: Caller): Promise<Record<string, string>> => {
    if (caller === 'nobody') return {};
    if (typeof caller === 'object') return { authorization: caller.authorization };
    const order = { directory, roles: [caller], subject: `${caller}@test`, ttlSeconds: 3600, now: clock() };
    return { authorization: `Bearer ${await mintLocalToken(order)}` };
  };
  const { url } = daemon;
  return {
    daemon,
    url,
    directory,
    logLines,
    headersOf,
    async graphql(caller, query, variables = {}) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(await headersOf(caller)) },
        body: JSON.stringify({ query, variables }),
      });
      return { status: response.status, ...((await response.json()) as Omit<GraphqlAnswer, 'status'>) };
    },
    async get(caller, path, headers = {}) {
      return fetch(`${url}${path}`, { headers: { ...headers, ...(await headersOf(caller)) } });
    },
    async upload(caller, path, body, contentType = 'application/x-ndjson') {
      const headers = { 'content-type': contentType, ...(await headersOf(caller)) };
      return fetch(`${url}${path}`, { method: 'POST', headers, body });
    },
    async close() {
      await daemon.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
