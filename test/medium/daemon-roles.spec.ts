/**
 * Who may use which field: one row for every field of Query and Mutation of the schema that is served. A field that is
 * added without a row fails here; one that declares no roles keeps the daemon from starting.
 */
import {
  buildClientSchema,
  getIntrospectionQuery,
  type GraphQLField,
  type GraphQLSchema,
  type IntrospectionQuery,
  isInputObjectType,
  isLeafType,
  isNonNullType,
  isListType,
  isEnumType,
  type GraphQLInputType,
  getNamedType,
} from 'graphql';
import { SignJWT } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_LEDGER } from '../support/ledger.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { type Caller, type GraphqlAnswer, type TestDaemon, testDaemon } from '../support/test-daemon.js';

const ROLES = ['platform', 'auditor', 'operator'] as const;
type Roles = readonly (typeof ROLES)[number][];

const ALL: Roles = ROLES;
const PERSONAL: Roles = ['platform', 'auditor'];
const PLATFORM: Roles = ['platform'];
const OPERATOR: Roles = ['operator'];

const TABLE: Readonly<Record<'Query' | 'Mutation', Readonly<Record<string, Roles>>>> = {
  Query: {
    artifact: ALL,
    attestation: ALL,
    attestations: ALL,
    commitments: PERSONAL,
    deletionRequest: PERSONAL,
    deletionRequests: PERSONAL,
    event: ALL,
    events: ALL,
    explainRequest: PERSONAL,
    log: ALL,
    logs: ALL,
    me: ALL,
    model: ALL,
    modelByName: ALL,
    models: ALL,
    profile: ALL,
    profiles: ALL,
    recurrences: PERSONAL,
    reference: ALL,
    references: ALL,
    release: ALL,
    releases: ALL,
    sampleSet: ALL,
    sampleSets: ALL,
    verification: ALL,
    verifications: ALL,
  },
  Mutation: {
    addReferenceSignals: PLATFORM,
    addReleaseSignals: PLATFORM,
    eraseDeletionRequest: OPERATOR,
    fileDeletionRequest: PLATFORM,
    freezeProfile: PLATFORM,
    registerCalibrationSet: PLATFORM,
    registerControls: PLATFORM,
    registerModel: PLATFORM,
    registerReference: PLATFORM,
    registerRelease: PLATFORM,
    reverifyCurrentReleases: OPERATOR,
    reverifyRelease: OPERATOR,
    supersedeRelease: PLATFORM,
    withdrawRelease: PLATFORM,
  },
};

/** Nested fields that show more than their parents' readers may see. */
const NESTED: Readonly<Record<string, Roles>> = {
  'Model.deletionRequests': PERSONAL,
  'SampleSet.sampleIds': PERSONAL,
  'TimelineEntry.requests': PERSONAL,
  'Verification.requestResults': PERSONAL,
  'Verification.results': PERSONAL,
};

/** Asked for over a WebSocket by test/medium/daemon-progress.spec.ts. */
const SUBSCRIPTIONS: Readonly<Record<string, Roles>> = { 'Subscription.verificationProgress': ALL };

let database: TestDatabase;
let daemon: TestDaemon;
let schema: GraphQLSchema;

beforeAll(async () => {
  database = await testDatabase();
  daemon = await testDaemon(database);
  const { data } = await daemon.graphql('nobody', getIntrospectionQuery());
  schema = buildClientSchema(data as unknown as IntrospectionQuery);
});
afterAll(async () => {
  await daemon.close();
  await database.close();
});

const fieldsOf = (type: 'Query' | 'Mutation') =>
  schema.getType(type) as unknown as {
    getFields(): Record<string, GraphQLField<unknown, unknown>>;
  };

/** A literal of the right shape that names nothing that exists. */
function literal(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(type.ofType);
  if (isListType(type)) return `[${literal(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]!.name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
    return `{${fields.map((field) => `${field.name}: ${literal(field.type)}`).join(', ')}}`;
  }
  switch (type.name) {
    case 'ID':
      return '"00000000-0000-4000-8000-000000000000"';
    case 'DateTime':
      return '"2026-01-01T00:00:00Z"';
    case 'BigInt':
      return '"999999999"';
    case 'Int':
    case 'Float':
      return '1';
    default:
      return '"no-such-thing"';
  }
}

function operation(kind: 'Query' | 'Mutation', name: string): string {
  const field = fieldsOf(kind).getFields()[name]!;
  const needed = field.args.filter((argument) => isNonNullType(argument.type));
  const given = needed.map((argument) => `${argument.name}: ${literal(argument.type)}`).join(', ');
  const selection = isLeafType(getNamedType(field.type)) ? '' : '{ __typename }';
  return `${kind === 'Query' ? 'query' : 'mutation'} { ${name}${given ? `(${given})` : ''} ${selection} }`;
}

const codesOf = ({ errors = [] }: GraphqlAnswer) => errors.map(({ extensions }) => extensions.code);
const ACCESS_CODES = /^AUTH_/;

it.each(['Query', 'Mutation'] as const)('the table has a row for every field of %s', (kind) => {
  expect(Object.keys(fieldsOf(kind).getFields()).sort()).toEqual(Object.keys(TABLE[kind]).sort());
});

const rows = (['Query', 'Mutation'] as const).flatMap((kind) =>
  Object.entries(TABLE[kind]).map(([name, roles]) => [kind, name, roles] as const),
);

describe.each(rows)('%s.%s', (kind, name, allowed) => {
  it.each(ROLES)('for %s', async (role) => {
    const answer = await daemon.graphql(role, operation(kind, name));
    const refused = codesOf(answer).filter((code) => ACCESS_CODES.test(code));
    expect(refused).toEqual(allowed.includes(role) ? [] : ['AUTH_ROLE_MISSING']);
    if (!allowed.includes(role)) expect(answer.status).toBe(403);
    expect(codesOf(answer)).not.toContain('INTERNAL');
    expect(codesOf(answer)).not.toContain('GRAPHQL_INVALID');
  });

  it('for nobody, and for tokens that are no good', async () => {
    const other = generateKeyPairSync('ed25519').privateKey;
    const forged = await new SignJWT({
      roles: [...ROLES],
      sub: 'x',
      iss: 'urn:lacuna:local',
      aud: 'urn:lacuna:daemon',
    })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' })
      .setExpirationTime('1h')
      .sign(other);
    const cases: [Caller, string][] = [
      ['nobody', 'AUTH_TOKEN_MISSING'],
      [{ authorization: `Bearer ${forged}` }, 'AUTH_TOKEN_INVALID'],
      [{ authorization: 'Basic cm9vdDpyb290' }, 'AUTH_TOKEN_INVALID'],
    ];
    for (const [caller, code] of cases) {
      const answer = await daemon.graphql(caller, operation(kind, name));
      expect(codesOf(answer)).toEqual([code]);
      expect(answer.status).toBe(401);
    }
  });
});

it('of all these mutations only the allowed registration left anything behind', async () => {
  const { data } = await daemon.graphql(
    'auditor',
    '{ events { nodes { type } } deletionRequests { nodes { id } } }',
  );
  expect(data).toEqual({
    events: { nodes: [{ type: 'model-registered' }] },
    deletionRequests: { nodes: [] },
  });
});

it('guards exactly these subscriptions and nested fields, declared in the schema itself', async () => {
  const { rolesOf } = await import('../../apps/daemon/src/graphql/field-access.js');
  const { GraphQLSchemaHost } = await import('@nestjs/graphql');
  const served = daemon.daemon.app.get(GraphQLSchemaHost, { strict: false }).schema;
  const found: Record<string, Roles> = {};
  for (const type of Object.values(served.getTypeMap())) {
    if (!('getFields' in type) || ['Query', 'Mutation'].includes(type.name)) continue;
    for (const field of Object.values(type.getFields() as Record<string, GraphQLField<unknown, unknown>>)) {
      const roles = rolesOf(field);
      if (roles) found[`${type.name}.${field.name}`] = roles;
    }
  }
  expect(found).toEqual({ ...SUBSCRIPTIONS, ...NESTED });
});

describe('REST routes', () => {
  const id = '00000000-0000-4000-8000-000000000000';
  const ROUTES: [method: string, path: string, roles: Roles][] = [
    ['POST', '/v1/recordings?kind=loss', PLATFORM],
    ['POST', '/v1/deletion-requests/import?key=k', PLATFORM],
    ['GET', '/v1/deletion-requests/import?key=k', PLATFORM],
    ['POST', '/v1/artifacts?kind=onnx', PLATFORM],
    ['POST', `/v1/models/${id}/samples`, PLATFORM],
    ['GET', `/v1/attestations/${id}`, ALL],
    ['GET', `/v1/attestations/${id}/dsse`, ALL],
    ['GET', `/v1/attestations/${id}/tlog-proof`, ALL],
    ['GET', `/v1/attestations/${id}/results`, PERSONAL],
    ['GET', `/v1/deletion-requests/${id}/bundle?model=${id}`, PERSONAL],
  ];
  const status = async (caller: Caller, method: string, path: string) =>
    (await fetch(`${daemon.url}${path}`, { method, headers: await daemon.headersOf(caller) })).status;

  it.each(ROUTES)('%s %s', async (method, path, allowed) => {
    expect(await status('nobody', method, path)).toBe(401);
    expect(await status({ authorization: 'Bearer a.b.c' }, method, path)).toBe(401);
    for (const role of ROLES) {
      const answer = await status(role, method, path);
      if (allowed.includes(role)) expect([200, 404, 415]).toContain(answer);
      else expect(answer).toBe(403);
    }
  });

  it.each([
    '/healthz',
    '/readyz',
    '/metrics',
    '/.well-known/jwks.json',
    '/graphiql',
    `/logs/${TEST_LEDGER}/events/checkpoint`,
  ])('GET %s needs no token', async (path) => {
    expect(await status('nobody', 'GET', path)).toBe(200);
  });
});
