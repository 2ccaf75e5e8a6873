/** What can be wrong with the text of an import, in its own codes. */
import type { TextFaults } from '@app/inference';
import { RegistryError } from '../errors.js';

export const importFaults: TextFaults = {
  tooLarge: (maxBytes) =>
    new RegistryError(
      'REGISTRY_IMPORT_TOO_LARGE',
      `one upload holds at most ${maxBytes} bytes after decompression; what was acknowledged is filed, send the rest as a further upload of this import`,
      { details: { maxBytes } },
    ),
  compressionBroken: (cause) =>
    new RegistryError('REGISTRY_IMPORT_COMPRESSION_BROKEN', 'the gzip stream is damaged or cut off', {
      cause,
    }),
  malformed: (line, why, cause) =>
    new RegistryError('REGISTRY_IMPORT_MALFORMED_LINE', `the line is no deletion request: ${why}`, {
      details: { line },
      cause,
    }),
};
