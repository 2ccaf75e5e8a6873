/** One thing that a verification looked at. */
export interface Check {
  /** A short stable name, for example `signature`. */
  readonly name: string;
  /** `skipped` = nothing was given to check it with; a failed check is an error, never an outcome. */
  readonly outcome: 'ok' | 'skipped';
  readonly detail: string;
}
