import { CodedError } from '@app/errors';

export type VaultErrorCode =
  /** The key file is absent, unreadable, or holds something that is no key; details: line, where one is to blame. */
  | 'VAULT_KEY_UNUSABLE'
  /** A segment is wrapped under a key that the key file does not hold; details: keyId. Nothing is lost: add the key. */
  | 'VAULT_KEY_MISSING'
  /** A stored payload does not open: it, its data key or its place was changed. Affects this sample only. */
  | 'VAULT_ITEM_BROKEN'
  /** Somebody else rotates the vault now; nothing was changed. */
  | 'VAULT_ROTATION_RUNNING'
  /** A payload larger than the vault takes; details: position, maxBytes. */
  | 'VAULT_PAYLOAD_TOO_LARGE';

/** What the vault cannot do. Messages never hold payloads, keys or sample ids. */
export class VaultError extends CodedError<VaultErrorCode> {}
