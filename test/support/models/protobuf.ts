/** Just enough of the protocol buffer encoding to write a message: fields in order, one after the other. */
export type Field = readonly [number: number, value: bigint | number | string | Uint8Array];

const VARINT = 0n;
const BYTES = 2n;

export function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'bigint' || typeof value === 'number') {
        return [varint((BigInt(number) << 3n) | VARINT), varint(BigInt(value))];
      }
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      return [varint((BigInt(number) << 3n) | BYTES), varint(BigInt(bytes.length)), bytes];
    }),
  );
}

/** Negative numbers as the 64-bit two's complement. */
export function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.of(...bytes, Number(rest));
}
