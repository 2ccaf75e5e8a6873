import type { KeysetOrder } from './page.js';

/** Order of registration: the index of the event that records it is unique and only grows. */
export function byEvent<Item extends { readonly eventIndex: bigint }>(table: string): KeysetOrder<Item> {
  return {
    name: table,
    columns: [{ column: `${table}.event_index`, type: 'bigint' }],
    keyOf: (item) => [item.eventIndex],
  };
}
