import { CodedError } from '@app/errors';

export type ConfigErrorCode = 'CONFIG_INVALID';

/** The environment holds an unknown or unusable `LACUNA_*` value; the message lists each one. */
export class ConfigError extends CodedError<ConfigErrorCode> {}
