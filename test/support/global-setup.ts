/**
 * One real PostgreSQL for the whole test run: the embedded one, or TEST_DATABASE_URL. It holds a migrated
 * template, which every test file clones (test-database.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@app/config';
import { connect, migrate, ownDatabase } from '@app/persistence';
import { installQueue } from '@app/queue';
import type { TestProject } from 'vitest/node';
import { buildInferenceChild } from './build-inference-child.js';

export const TEMPLATE = 'lacuna_template';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Main file of a model's process, built from the sources. */
    inferenceChild: string;
    databaseAddress:
      | { readonly kind: 'socket'; readonly directory: string }
      | { readonly kind: 'url'; readonly url: string };
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-test-'));
  const url = process.env['TEST_DATABASE_URL'];
  const config = loadConfig(url ? { LACUNA_DATABASE_URL: url } : { LACUNA_DATA_DIR: directory });
  // Crash safety is tested in test/fault with a server of its own; here durability would only cost time.
  const server = await ownDatabase(config, () => undefined, { fsync: 'off', synchronous_commit: 'off' });
  const admin = connect(server.address, { as: 'login', name: 'test-setup', poolSize: 1 });
  await admin.unsafe(`drop database if exists ${TEMPLATE}`);
  await admin.unsafe(`create database ${TEMPLATE}`);
  await admin.end();
  const template = connect(withDatabase(server.address, TEMPLATE), {
    as: 'login',
    name: 'test-setup',
    poolSize: 1,
  });
  await migrate(template, undefined, installQueue);
  await template.end();
  project.provide(
    'databaseAddress',
    server.address.kind === 'url' ? server.address : { kind: 'socket', directory: server.address.directory },
  );
  const child = await buildInferenceChild();
  project.provide('inferenceChild', child.entry);
  return async () => {
    await server.close();
    child.remove();
    rmSync(directory, { recursive: true, force: true });
  };
}

/** The same server, another database. */
export function withDatabase<A extends { kind: string }>(address: A, database: string): A {
  if ('url' in address) {
    const url = new URL(address.url as string);
    url.pathname = `/${database}`;
    return { ...address, url: url.toString() };
  }
  return { ...address, database };
}
