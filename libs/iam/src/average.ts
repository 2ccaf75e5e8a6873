/** Arithmetic mean of at least one value, summed in the order given. */
export function average(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
