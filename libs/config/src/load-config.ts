import { ConfigError } from './errors.js';
import { configSchema, settings, type Config } from './config.schema.js';

/** Names read by scripts rather than by the schema (tests and benches set them); they are not settings. */
const PREFIX = 'LACUNA_';

/**
 * The frozen configuration read from the `LACUNA_*` variables of `environment`; the rest is ignored and an
 * empty value counts as not set.
 * @throws ConfigError `CONFIG_INVALID` for an unknown name or a value out of range, naming every one of them.
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const own = Object.entries(environment).filter(([name, value]) => name.startsWith(PREFIX) && value);
  const unknown = own.map(([name]) => name).filter((name) => !(name in settings));
  const parsed = configSchema.safeParse(Object.fromEntries(own.filter(([name]) => name in settings)));
  const complaints = [
    ...unknown.map((name) => `${name} is not a setting`),
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.message}`),
  ];
  if (!parsed.success || complaints.length > 0) {
    throw new ConfigError('CONFIG_INVALID', `${complaints.join('; ')}. The README lists every setting.`);
  }
  return Object.freeze(parsed.data);
}
