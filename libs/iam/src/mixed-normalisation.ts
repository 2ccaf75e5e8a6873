/** The reference's offline signal for its Purchase and Texas tables, for comparing with them and for nothing else. */
import { boundedGumbel } from './signals.js';

/**
 * Bounded Gumbel signal at (epsilon1, epsilon2), normalised by the extremes that belong to (1e-2, 1e-5).
 *
 * Fault `mixed-normalisation`: for Purchase and Texas the reference switches to (1e-1, 1e-6) but keeps the extremes of
 * the first pair for OUT and target, while the offline IN value is normalised by its own. IN and OUT then lie on
 * different scales, and signals leave [0, 1]. The remedy is `normalizedGumbel`, or no normalisation at all.
 */
export function mixedNormalizedGumbelAsPublished(p: number, epsilon1: number, epsilon2: number): number {
  const lowest = boundedGumbel(0, 1e-2, 1e-5);
  const highest = boundedGumbel(1, 1e-2, 1e-5);
  return (boundedGumbel(p, epsilon1, epsilon2) - lowest) / (highest - lowest);
}
