/**
 * The content of a commitment is the same for all of a request in one log, but for sample and position. The template is its
 * canonical JSON (RFC 8785) around those two: what sealing fills in, and what the audit holds contents against.
 */
import { canonicalJson } from '@app/tlog';
import type { JsonObject } from './append-operation.js';

export interface ContentTemplate {
  readonly beforePosition: string;
  readonly beforeSample: string;
  readonly afterSample: string;
}

/**
 * @param content its `position` and `sample`, if any, are left out
 * @throws TlogError `TLOG_JSON_UNREPRESENTABLE`
 */
export function contentTemplate(content: JsonObject): ContentTemplate {
  const members = (wanted: (key: string) => boolean): string[] =>
    Object.keys(content)
      .filter(wanted)
      .sort()
      .map((key) => `${canonicalJson(key)}:${canonicalJson(content[key])}`);
  const before = members((key) => key < 'position').map((member) => `${member},`);
  const between = members((key) => key > 'position' && key < 'sample').map((member) => `${member},`);
  const after = members((key) => key > 'sample').map((member) => `,${member}`);
  return {
    beforePosition: `{${before.join('')}"position":`,
    beforeSample: `,${between.join('')}"sample":`,
    afterSample: `${after.join('')}}`,
  };
}
