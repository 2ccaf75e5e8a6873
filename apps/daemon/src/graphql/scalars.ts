/** What GraphQL's own scalars do not hold: indexes and sizes past 2^53, and times. */
import { GraphQLISODateTime, registerEnumType } from '@nestjs/graphql';
import { GraphQLScalarType, Kind } from 'graphql';
import { DaemonError } from '../errors.js';

const DECIMAL = /^(0|[1-9]\d{0,18})$/;

function parseIndex(value: unknown): bigint {
  if (
    (typeof value === 'string' && DECIMAL.test(value)) ||
    (Number.isSafeInteger(value) && Number(value) >= 0)
  ) {
    return BigInt(value as string | number);
  }
  throw new DaemonError('GRAPHQL_INPUT_INVALID', 'an index is a whole number, not negative, in decimal');
}

/** Leaf indexes, tree sizes and counts, as decimal text: JSON numbers end at 2^53. */
export const BigIntScalar = new GraphQLScalarType<bigint, string>({
  name: 'BigInt',
  description: 'A whole number as decimal text, for what may pass 2^53: leaf indexes, tree sizes, counts.',
  serialize: (value) => String(value),
  parseValue: parseIndex,
  parseLiteral: (node) =>
    parseIndex(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined),
});

export const DateTime = GraphQLISODateTime;

/** A GraphQL enum of the upper-case names of `values`: `same-release` is written SAME_RELEASE. */
export function enumOf<V extends string>(
  name: string,
  values: readonly V[],
  description: string,
): Record<string, V> {
  const names = Object.fromEntries(values.map((value) => [value.toUpperCase().replaceAll('-', '_'), value]));
  registerEnumType(names, { name, description });
  return names;
}
