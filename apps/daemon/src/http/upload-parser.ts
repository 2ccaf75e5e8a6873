import type { FastifyInstance } from 'fastify';

/** Content types of bulk files; their bodies reach the handler as streams. */
export const UPLOAD_TYPES = [
  'application/x-ndjson',
  'application/jsonl',
  'text/csv',
  'application/gzip',
  'application/x-gzip',
  'application/x-tar',
  'application/octet-stream',
];

/** Of an .npz file; `application/octet-stream` does, too. */
export const NPZ_TYPES = ['application/x-npz', 'application/zip'];

/** Leaves the bodies of {@link UPLOAD_TYPES} and {@link NPZ_TYPES} unread: a gigabyte never stands in memory. */
export function readUploadsAsStreams(instance: FastifyInstance): void {
  const types = [...UPLOAD_TYPES, ...NPZ_TYPES];
  instance.addContentTypeParser(types, (_request, payload, done) => done(null, payload));
}
