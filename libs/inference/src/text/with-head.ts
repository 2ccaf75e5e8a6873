/** What kind of file a stream is, by its first bytes. Proven by recorded/parse-recording.spec.ts. */
type Bytes = AsyncIterable<Uint8Array>;

export interface HeadedBytes {
  /** At least as many bytes as asked for, fewer where there are no more. */
  readonly head: Uint8Array;
  /** Everything, the head included; read once. */
  readonly whole: Bytes;
  /** For those who do not read it. */
  readonly close: () => Promise<void>;
}

/** Reads so much of `source` that its first `length` bytes are known. */
export async function withHead(source: Bytes, length: number): Promise<HeadedBytes> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < length) {
    const next = await iterator.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  return {
    head,
    whole: prepend(head, iterator),
    async close() {
      await iterator.return?.();
    },
  };
}

export const beginsWith = (head: Uint8Array, magic: Uint8Array): boolean =>
  Buffer.compare(head.subarray(0, magic.length), magic) === 0;

async function* prepend(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
