/**
 * Glosses of WordNet's data files (wndb(5WN)): a line is `offset lex_filenum ss_type … | gloss`, after a licence whose
 * lines begin with blanks. Pure; proven by gloss.spec.ts.
 */
import { LabError } from '../errors.js';

/** Lexicographer files 00 to 44 of WordNet 3.1: nouns of feeling, verbs of motion, … */
export const LEXICOGRAPHER_CLASSES = 45;

export interface Gloss {
  /** Data file and byte offset, for instance `noun-00001740`: WordNet's own name of the synset. */
  readonly id: string;
  /** Lexicographer file, 0 to 44: what a classifier has to tell. */
  readonly label: number;
  /** Different words of the gloss, lower case, in order of first use. */
  readonly words: readonly string[];
}

const HEAD = /^(\d{8}) (\d{2}) [nvasr] /;
const SEPARATOR = ' | ';
/** Single letters are initials and remains of "e.g."; they tell nothing. */
const WORD = /[a-z]{2,}/g;

/**
 * Returns the glosses of one data file, in its order.
 * @param file the part of speech, `noun`, `verb`, `adj` or `adv`
 * @throws LabError `LAB_DATA_UNUSABLE` with the line's number
 */
export function parseDataFile(file: string, text: string): Gloss[] {
  const glosses: Gloss[] = [];
  text.split('\n').forEach((line, index) => {
    if (line === '' || line.startsWith('  ')) return;
    const head = HEAD.exec(line);
    const bar = line.indexOf(SEPARATOR);
    const label = Number(head?.[2]);
    if (!head || bar < 0 || label >= LEXICOGRAPHER_CLASSES) {
      throw new LabError('LAB_DATA_UNUSABLE', `data.${file} line ${String(index + 1)} is no synset`, {
        details: { line: index + 1 },
      });
    }
    const words =
      line
        .slice(bar + SEPARATOR.length)
        .toLowerCase()
        .match(WORD) ?? [];
    glosses.push({ id: `${file}-${head[1]!}`, label, words: [...new Set(words)] });
  });
  return glosses;
}
