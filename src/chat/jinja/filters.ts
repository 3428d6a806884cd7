/** All filters, by name. */
import type { Filter } from "./environment.js";
import { listFilters } from "./list-filters.js";
import { markupFilters } from "./markup-filters.js";
import { textFilters } from "./text-filters.js";
import { valueFilters } from "./value-filters.js";

export const filters: ReadonlyMap<string, Filter> = new Map([
  ...textFilters,
  ...listFilters,
  ...markupFilters,
  ...valueFilters,
]);
