/** The committed schema is the served one; change it with `npx vitest run test/medium/daemon-schema -u`. */
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, printSchema } from 'graphql';
import { afterAll, expect, it } from 'vitest';
import { useTestDatabase } from '../support/test-database.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';

const database = useTestDatabase();
let daemon: TestDaemon | undefined;
afterAll(() => daemon?.close());

it('serves exactly apps/daemon/schema.graphql', async () => {
  daemon = await testDaemon(database());
  const { data } = await daemon.graphql('nobody', getIntrospectionQuery());
  const schema = buildClientSchema(data as unknown as IntrospectionQuery);
  await expect(`${printSchema(schema)}\n`).toMatchFileSnapshot('../../apps/daemon/schema.graphql');
});
