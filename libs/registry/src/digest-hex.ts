/** SHA-256 digests are 32 bytes in the database and lowercase hex everywhere else. */
export const toHex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');
export const fromHex = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
