/** A process that owns an embedded PostgreSQL until it is killed; runs the sources through Vite, without a build. */
import { createServer } from 'vite';

const vite = await createServer({
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, ws: false },
  resolve: { tsconfigPaths: true },
});
const { loadConfig } = await vite.ssrLoadModule('/libs/config/src/index.ts');
const { ownDatabase } = await vite.ssrLoadModule('/libs/persistence/src/index.ts');
await ownDatabase(loadConfig(JSON.parse(process.argv[2])), () => undefined, { fsync: 'off' });
process.stdout.write('up\n');
