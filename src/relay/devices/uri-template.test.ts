import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { couldMatch } from './uri-template.js';

const matches = (template: string, uri: string) => couldMatch(template, uri, { left: 100_000 });

describe('couldMatch', () => {
  it.each([
    ['file:///{path}', 'file:///a'],
    ['file:///{path}', 'file:///'],
    ['file:///{+path}', 'file:///a/b?c#d'],
    ['repo://{+path}/{name}', 'repo://p/q/r'],
    ['db://{table}/rows/{id}', 'db://users/rows/7'],
    ['x://{a}b{c}', 'x://abbb'],
    ['x://list{?page,size}', 'x://list?page=2'],
    ['{scheme}://x', 'http://x'],
    ['x://{a}{b}', 'x://ab'],
  ])('%s may be %s', (template, uri) => {
    expect(matches(template, uri)).toBe(true);
  });

  it.each([
    ['file:///{path}', 'file:///a/b'],
    ['file:///{path}', 'http:///a'],
    ['db://{table}/rows/{id}', 'db://users/row/7'],
    ['x://{a}/end', 'x://a/end/more'],
    ['x://{a', 'x://{a'],
    ['x://plain', 'x://plain'],
    ['', ''],
  ])('%s is not %s', (template, uri) => {
    expect(matches(template, uri)).toBe(false);
  });

  it('finds again what a template has made', () => {
    const value = fc.stringMatching(/^[a-z0-9.%-]{0,5}$/);
    const text = fc.stringMatching(/^[a-z/]{0,3}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(text, value), { minLength: 1, maxLength: 6 }), text, (parts, end) => {
        const template = `s:${parts.map(([before]) => `${before}{v}`).join('')}${end}`;
        const uri = `s:${parts.map(([before, one]) => before + one).join('')}${end}`;
        expect(matches(template, uri)).toBe(true);
      }),
    );
  });

  it('takes no more than its effort, whatever the template', () => {
    const effort = { left: 50_000 };
    expect(couldMatch('a{+x}'.repeat(300), 'a'.repeat(2000), effort)).toBe(false);
    expect(effort.left).toBeLessThan(0);
  });
});
