/** What tests load in place of a module, in every vitest configuration. */
import { fileURLToPath } from 'node:url';

export const aliases = [
  // One realm: Vite would take graphql's "module" build for our sources while packages in node_modules take "main".
  { find: /^graphql$/, replacement: 'graphql/index.js' },
  // A process cannot be started from sources: the global setup builds the one that runs models.
  {
    find: /^\.\/child-entry\.js$/,
    replacement: fileURLToPath(new URL('./child-entry.ts', import.meta.url)),
  },
];
