/**
 * How deep a parsed query goes, through fragments, each of which is measured once. Asked before validation, so nothing
 * is assumed: fragments may be missing or spread each other in circles. Proven by query-limits.spec.ts.
 */
import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';
import { DaemonError } from '../errors.js';
import { tooDeep } from './source-limits.js';

/**
 * GraphiQL's introspection query follows nine `ofType`; with less the page has no documentation. graphql-js itself
 * refuses introspection that walks in circles.
 */
const INTROSPECTION_DEPTH = 16;

/**
 * Returns when no operation selects fields more than `limit` levels below its root.
 * @throws DaemonError `GRAPHQL_TOO_DEEP`
 */
export function checkDepth(document: DocumentNode, limit: number): void {
  const fragments = new Map(
    document.definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  );
  const measure = new DepthMeasure(fragments, limit);
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) measure.check(definition.selectionSet);
  }
}

class DepthMeasure {
  private readonly depthOfFragment = new Map<string, number>();
  private readonly open = new Set<string>();

  constructor(
    private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    private readonly limit: number,
  ) {}

  check(selectionSet: SelectionSetNode): void {
    for (const selection of selectionSet.selections) {
      const introspects = selection.kind === Kind.FIELD && selection.name.value.startsWith('__');
      const limit = introspects ? Math.max(INTROSPECTION_DEPTH, this.limit) : this.limit;
      const depth = this.depthOf({ kind: Kind.SELECTION_SET, selections: [selection] });
      if (depth > limit) throw tooDeep(depth, limit);
    }
  }

  /** Levels of fields in `selectionSet`; a fragment is no level of its own. */
  private depthOf(selectionSet: SelectionSetNode): number {
    return selectionSet.selections.reduce((deepest, selection) => {
      switch (selection.kind) {
        case Kind.FIELD:
          return Math.max(deepest, 1 + (selection.selectionSet ? this.depthOf(selection.selectionSet) : 0));
        case Kind.INLINE_FRAGMENT:
          return Math.max(deepest, this.depthOf(selection.selectionSet));
        case Kind.FRAGMENT_SPREAD:
          return Math.max(deepest, this.depthOfSpread(selection.name.value));
      }
    }, 0);
  }

  private depthOfSpread(name: string): number {
    const known = this.depthOfFragment.get(name);
    if (known !== undefined) return known;
    const fragment = this.fragments.get(name);
    // An unknown fragment is validation's business.
    if (!fragment) return 0;
    if (this.open.has(name)) {
      throw new DaemonError('GRAPHQL_TOO_DEEP', 'a fragment contains itself: the query has no end');
    }
    this.open.add(name);
    const depth = this.depthOf(fragment.selectionSet);
    this.open.delete(name);
    this.depthOfFragment.set(name, depth);
    return depth;
  }
}
