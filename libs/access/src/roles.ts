/** The three kinds of callers. What each may do is declared on every field and route of the daemon. */
export const ROLES = ['platform', 'auditor', 'operator'] as const;

/**
 * `platform` registers and reads what it registered; `auditor` reads everything and downloads; `operator` runs the
 * service and sees neither subjects nor samples.
 */
export type Role = (typeof ROLES)[number];

/** A caller whose token was verified. */
export interface Principal {
  /** `sub` of the token: recorded with what the caller registers. */
  readonly subject: string;
  readonly roles: ReadonlySet<Role>;
}

export function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value);
}
