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

/** Leaves the bodies of {@link UPLOAD_TYPES} unread: a gigabyte never stands in memory. */
export function readUploadsAsStreams(instance: FastifyInstance): void {
  instance.addContentTypeParser(UPLOAD_TYPES, (_request, payload, done) => done(null, payload));
}
