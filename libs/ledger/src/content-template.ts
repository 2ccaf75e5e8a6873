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
  let before = '';
  let between = '';
  let after = '';
  for (const key of Object.keys(content).sort()) {
    if (key === 'position' || key === 'sample') continue;
    const member = `${canonicalJson(key)}:${canonicalJson(content[key])}`;
    if (key < 'position') before += `${member},`;
    else if (key < 'sample') between += `${member},`;
    else after += `,${member}`;
  }
  return {
    beforePosition: `{${before}"position":`,
    beforeSample: `,${between}"sample":`,
    afterSample: `${after}}`,
  };
}
