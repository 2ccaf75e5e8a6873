/**
 * Are the guards of the append-only tables all there? Asked of the catalogues, and of the triggers themselves by trying,
 * in a transaction that is rolled back. Run at every start of a daemon, after the migrations: a daemon does not write
 * into a ledger that anybody could rewrite unseen. Proven by test/medium/guards.spec.ts.
 */
import type { Sql } from '@app/persistence';
import { LedgerError } from '../errors.js';
import { LEDGER_TABLES } from './ledger-tables.js';

const OWNER = 'lacuna_owner';
const APPLICATION = 'lacuna_app';
const TABLES: readonly string[] = LEDGER_TABLES;

type Connection = Pick<Sql, 'unsafe'>;

/**
 * @param sql a pool as the login role
 * @throws LedgerError `LEDGER_GUARDS_MISSING` with every problem found
 */
export async function checkGuards(sql: Sql): Promise<void> {
  // One connection: the last check hands its answer over in a session setting.
  const connection = await sql.reserve();
  try {
    await checkConnection(connection);
  } finally {
    connection.release();
  }
}

async function checkConnection(sql: Connection): Promise<void> {
  const problems = [
    ...(await roleProblems(sql)),
    ...(await ownerProblems(sql)),
    ...(await privilegeProblems(sql)),
    ...(await triggerProblems(sql)),
    ...(await eventTriggerProblems(sql)),
  ];
  if (problems.length === 0) problems.push(...(await unrefusedChanges(sql)));
  if (problems.length === 0) return;
  throw new LedgerError(
    'LEDGER_GUARDS_MISSING',
    `the append-only guards are not in order, so nothing is written: ${problems.join('; ')}. ` +
      'Find out who changed them, run `lacuna audit`, and put them back from migrations/',
    { details: { problems: problems.join('; ') } },
  );
}

async function roleProblems(sql: Connection): Promise<string[]> {
  const rows = await sql.unsafe<{ rolname: string; strong: boolean }[]>(
    `select rolname, rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as strong
       from pg_roles where rolname in ('${OWNER}', '${APPLICATION}')`,
  );
  const problems = [OWNER, APPLICATION]
    .filter((name) => !rows.some((row) => row.rolname === name))
    .map((name) => `role ${name} is missing`);
  for (const { rolname, strong } of rows)
    if (strong) problems.push(`role ${rolname} may log in or has rights over the server`);
  const memberships = await sql.unsafe<{ granted: string }[]>(
    `select granted.rolname as granted from pg_auth_members
       join pg_roles granted on granted.oid = roleid join pg_roles member on member.oid = member
       where member.rolname = '${APPLICATION}'`,
  );
  return [...problems, ...memberships.map(({ granted }) => `role ${APPLICATION} is a member of ${granted}`)];
}

async function ownerProblems(sql: Connection): Promise<string[]> {
  const rows = await sql.unsafe<{ tablename: string; tableowner: string }[]>(
    `select tablename, tableowner from pg_tables where schemaname = 'lacuna'`,
  );
  const owners = new Map(rows.map((row) => [row.tablename, row.tableowner]));
  return [...TABLES, 'log_head'].flatMap((table) => {
    const owner = owners.get(table);
    if (owner === undefined) return [`table ${table} is missing`];
    return owner === OWNER ? [] : [`table ${table} belongs to ${owner}`];
  });
}

async function privilegeProblems(sql: Connection): Promise<string[]> {
  const rows = await sql.unsafe<{ table: string; grantee: string; privilege: string }[]>(
    `select relname as table, coalesce(rolname, 'PUBLIC') as grantee, privilege_type as privilege
       from pg_class, aclexplode(relacl) acl left join pg_roles on pg_roles.oid = acl.grantee
       where relnamespace = 'lacuna'::regnamespace and relkind = 'r' and acl.grantee <> relowner
     union all
     select relname || '.' || attname, coalesce(rolname, 'PUBLIC'), privilege_type
       from pg_attribute join pg_class on pg_class.oid = attrelid, aclexplode(attacl) acl
       left join pg_roles on pg_roles.oid = acl.grantee
       where relnamespace = 'lacuna'::regnamespace and relkind = 'r'`,
  );
  const guarded = rows.filter(({ table }) => TABLES.includes(table.split('.')[0]!) || table === 'log_head');
  const problems = guarded
    .filter(({ table, privilege }) => !allowed(table).includes(privilege))
    .map(({ table, grantee, privilege }) => `${grantee} has ${privilege} on ${table}`);
  for (const table of TABLES)
    for (const privilege of ['SELECT', 'INSERT'])
      if (
        !guarded.some(
          (row) => row.table === table && row.grantee === APPLICATION && row.privilege === privilege,
        )
      )
        problems.push(`${APPLICATION} lacks ${privilege} on ${table}`);
  return problems;
}

const allowed = (table: string): readonly string[] =>
  table === 'log_head' ? ['SELECT', 'INSERT', 'UPDATE'] : ['SELECT', 'INSERT'];

/** Triggers that must be there, enabled ALWAYS: by name, table and function. */
const TRIGGERS: readonly (readonly [table: string, trigger: string])[] = [
  ...TABLES.flatMap((table) => [[table, 'refuse_change'] as const, [table, 'refuse_truncate'] as const]),
  ['log_head', 'head_moves_forward'],
  ['log_head', 'head_matches_entries'],
  ['log_head', 'refuse_truncate'],
  ['entry', 'entries_are_contiguous'],
  ['commitment', 'commitments_belong'],
  ['request_subject', 'subjects_belong'],
  // Rows that an erasure may destroy: only those of the erased request.
  ['commitment_opening', 'only_erased_opening'],
  ['request_subject', 'only_erased_subject'],
  ['recorded_signal', 'only_erased_signal'],
  ['idempotency_key', 'only_erased_digest'],
];

async function triggerProblems(sql: Connection): Promise<string[]> {
  const rows = await sql.unsafe<{ table: string; trigger: string; enabled: string }[]>(
    `select relname as table, tgname as trigger, tgenabled::text as enabled
       from pg_trigger join pg_class on pg_class.oid = tgrelid
       where relnamespace = 'lacuna'::regnamespace and not tgisinternal`,
  );
  const problems = TRIGGERS.flatMap(([table, trigger]) => {
    const row = rows.find((one) => one.table === table && one.trigger === trigger);
    if (!row) return [`trigger ${trigger} of ${table} is missing`];
    return row.enabled === 'A' ? [] : [`trigger ${trigger} of ${table} is not ENABLE ALWAYS`];
  });
  const known = new Set(TRIGGERS.map(([table, trigger]) => `${table}.${trigger}`));
  const foreign = rows.filter(
    ({ table, trigger }) => TABLES.includes(table) && !known.has(`${table}.${trigger}`),
  );
  return [...problems, ...foreign.map(({ table, trigger }) => `trigger ${trigger} of ${table} is not ours`)];
}

async function eventTriggerProblems(sql: Connection): Promise<string[]> {
  const rows = await sql.unsafe<{ evtname: string; evtenabled: string; owner: string }[]>(
    `select evtname, evtenabled::text, rolname as owner from pg_event_trigger join pg_roles on pg_roles.oid = evtowner`,
  );
  return ['lacuna_guard_definitions', 'lacuna_guard_drops'].flatMap((name) => {
    const row = rows.find(({ evtname }) => evtname === name);
    if (!row) return [`event trigger ${name} is missing`];
    if (row.owner === OWNER || row.owner === APPLICATION)
      return [`event trigger ${name} belongs to ${row.owner}`];
    return row.evtenabled === 'A' ? [] : [`event trigger ${name} is not ENABLE ALWAYS`];
  });
}

/** Catalogue rows may be in order and the functions behind them not: whether a change is refused is tried. */
async function unrefusedChanges(sql: Connection): Promise<string[]> {
  const attempts = TABLES.map(
    (table) => `begin
        delete from lacuna.${table} where false;
        problems := problems || '${table} does not refuse DELETE'::text;
      exception when sqlstate 'LA001' then null;
      end;`,
  );
  await sql.unsafe(`do $do$ declare problems text[] := '{}'; begin
      set local role ${OWNER};
      ${attempts.join('\n')}
      perform set_config('lacuna.unrefused', array_to_string(problems, E'\\n'), false);
    end $do$`);
  const [row] = await sql.unsafe<{ found: string }[]>(`select current_setting('lacuna.unrefused') as found`);
  return row!.found === '' ? [] : row!.found.split('\n');
}
