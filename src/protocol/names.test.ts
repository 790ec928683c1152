import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXPOSED_NAME_MAX, exposedNames, isSlug, numberedSlug, SLUG_MAX, TOOL_NAME, toSlug } from './names.js';

const hash = (identity: string) =>
  Buffer.from(identity).toString('hex').slice(-6).replace(/[01]/g, 'a').padStart(6, 'z');
const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,4})?$/);
const toolName = fc.oneof(fc.constantFrom('run', 'RUN', 'a.b', 'a_b', 'a__b', 'x'.repeat(80)), fc.string());

describe('device names', () => {
  test('any text becomes a slug, and a slug stays what it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isSlug(toSlug(text))).toBe(true);
        expect(toSlug(toSlug(text))).toBe(toSlug(text));
      }),
    );
    expect(toSlug("Anna's MacBook.local")).toBe('anna-s-macbook');
    expect(toSlug('日本')).toBe('device');
  });

  test('a numbered one is a slug of its own', () => {
    fc.assert(
      fc.property(slug, fc.integer({ min: 2, max: 9999 }), (name, number) => {
        const numbered = numberedSlug(name, number);
        expect(isSlug(numbered)).toBe(true);
        expect(numbered.endsWith(`-${number}`)).toBe(true);
      }),
    );
    expect(numberedSlug('a'.repeat(SLUG_MAX), 12)).toBe(`${'a'.repeat(SLUG_MAX - 3)}-12`);
    expect(numberedSlug(`${'a'.repeat(SLUG_MAX - 3)}-bc`, 2)).toBe(`${'a'.repeat(SLUG_MAX - 3)}-2`);
  });
});

describe('§7.25 exposed names', () => {
  const items = fc.uniqueArray(
    fc.record({ device: fc.option(slug, { nil: undefined }), server: slug, name: toolName }),
    {
      maxLength: 12,
      selector: ({ device, server, name }) => JSON.stringify([device, server, name]),
    },
  );

  test('are valid for the strictest client, and the same in any order', () => {
    fc.assert(
      fc.property(items, (list) => {
        const named = list.map((item) => ({ ...item, identity: JSON.stringify(item) }));
        const names = exposedNames(named, hash, ['status']);
        for (const name of names) {
          expect(name).toMatch(TOOL_NAME);
          expect(name.length).toBeLessThanOrEqual(EXPOSED_NAME_MAX);
        }
        expect(exposedNames([...named].reverse(), hash, ['status']).reverse()).toEqual(names);
      }),
    );
  });

  test('all of those that would be equal get a hash, whatever their case', () => {
    const named = ['run', 'RUN', 'other'].map((name) => ({ device: undefined, server: 's', name, identity: name }));
    const [lower, upper, other] = exposedNames(named, (identity) => `${identity.toLowerCase()}aaaaaa`, []);
    expect(lower).toBe('s__run_runaaa');
    expect(upper).toBe('s__RUN_runaaa');
    expect(other).toBe('s__other');
  });
});
