import { configSchema, settings } from './config.schema.js';

/** All settings as a Markdown table: name, default, meaning. The README holds a copy that a test compares. */
export function settingsTable(): string {
  const defaults: Readonly<Record<string, unknown>> = configSchema.parse({});
  const rows = Object.entries(settings).map(([name, schema]) => {
    const value = defaults[name];
    return `| \`${name}\` | ${value === undefined ? '' : `\`${asText(value)}\``} | ${schema.description ?? ''} |`;
  });
  return ['| name | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

/** As it would be written in the environment. */
function asText(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
