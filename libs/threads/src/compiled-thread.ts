import { fileURLToPath } from 'node:url';

/**
 * Path of a thread's compiled file; null where the program runs from its sources, which threads cannot.
 * @param caller `import.meta.url` of whoever starts the thread
 * @param file address of the compiled file, which is not looked for: without it the threads fail to start
 */
export function compiledThread(caller: string, file: URL): string | null {
  return new URL(caller).pathname.endsWith('.ts') ? null : fileURLToPath(file);
}
