/** Whether a parsed JSON value is nested deeper than this: whoever writes it out again recurses as far. */
export function tooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => tooDeep(inner, depth - 1));
}
