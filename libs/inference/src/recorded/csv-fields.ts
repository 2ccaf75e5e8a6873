/** One line of CSV as RFC 4180 quotes it, except that no field spans lines. Proven by csv-fields.spec.ts. */

const QUOTE = '"';
const COMMA = ',';

/** Returns the fields of `text`, unquoted; null where a quote is opened and not closed, or stands inside a bare field. */
export function csvFields(text: string): string[] | null {
  if (!text.includes(QUOTE)) return text.split(COMMA);
  const fields: string[] = [];
  for (let at = 0; ;) {
    const field = text[at] === QUOTE ? quotedField(text, at) : bareField(text, at);
    if (!field) return null;
    fields.push(field.value);
    if (field.end === text.length) return fields;
    at = field.end + 1;
  }
}

interface Field {
  readonly value: string;
  /** Where the comma after the field is, or the length of the text. */
  readonly end: number;
}

function bareField(text: string, start: number): Field | null {
  const comma = text.indexOf(COMMA, start);
  const end = comma === -1 ? text.length : comma;
  const value = text.slice(start, end);
  return value.includes(QUOTE) ? null : { value, end };
}

function quotedField(text: string, start: number): Field | null {
  let value = '';
  for (let at = start + 1; ;) {
    const quote = text.indexOf(QUOTE, at);
    if (quote === -1) return null;
    value += text.slice(at, quote);
    const end = quote + 1;
    if (text[end] !== QUOTE) return end === text.length || text[end] === COMMA ? { value, end } : null;
    value += QUOTE;
    at = end + 1;
  }
}
