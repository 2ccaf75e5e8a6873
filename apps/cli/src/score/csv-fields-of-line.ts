/** The parser of recordings, in a file of its own so that only a CSV column pays for loading its library. */
import { csvFields } from '@app/inference';

/** The fields of one line of CSV, unquoted; null where its quotes do not match. */
export const csvFieldsOfLine = (line: string): string[] | null => csvFields(line);
