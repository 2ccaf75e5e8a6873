import { connect, migrate } from '@app/persistence';
import { installQueue } from '@app/queue';
import { openOperatorDatabase } from '../open-operator-database.js';

export async function runMigrate(): Promise<void> {
  const { database } = await openOperatorDatabase();
  const sql = connect(database.address, { as: 'login', name: 'lacuna-migrate', poolSize: 1 });
  try {
    const applied = await migrate(sql, undefined, installQueue);
    process.stdout.write(
      applied.length > 0 ? `applied ${applied.join(', ')}\n` : 'the schema is up to date\n',
    );
  } finally {
    await sql.end();
    await database.close();
  }
}
