import fc from 'fast-check';
import { expect, it } from 'vitest';
import { depthWithin } from './json-depth.js';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

it('depthWithin is the depth of the value, whatever its strings hold', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: fc.constantFrom('[', '{', '"', '\\', ']', 'a') }), (value) => {
      const json = Buffer.from(JSON.stringify(value));
      const depth = depthOf(value);
      expect(depthWithin(json, depth)).toBe(true);
      if (depth > 0) expect(depthWithin(json, depth - 1)).toBe(false);
    }),
  );
});
