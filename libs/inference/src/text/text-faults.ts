/** How whoever reads an upload names what is wrong with its text: each kind of upload has codes of its own. */
export interface TextFaults {
  /** More bytes than allowed, after decompression. */
  tooLarge(maxBytes: number): Error;
  /** A gzip stream that is cut off or damaged. */
  compressionBroken(cause: unknown): Error;
  /** @param line 1 for the first line of the file */
  malformed(line: number, why: string, cause?: unknown): Error;
}
