import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forwardParams } from './forward-params.js';

const forward = (json: string) => forwardParams(Buffer.from(json), ['name'], 'own')?.toString();

describe('forwardParams', () => {
  it('changes the name and takes out the progress token, whatever else there is', () => {
    const member = fc.string({ unit: 'grapheme' }).filter((key) => !['name', '_meta', '__proto__'].includes(key));
    const others = fc.dictionary(member, fc.jsonValue());
    const space = fc.constantFrom(0, 1, 3);
    fc.assert(
      fc.property(others, others, fc.jsonValue(), space, (rest, meta, token, indent) => {
        const { progressToken: _, ...kept } = meta;
        const params = { ...rest, _meta: { ...kept, progressToken: token }, name: 'exposed' };
        const expected =
          Object.keys(kept).length > 0 ? { ...rest, _meta: kept, name: 'own' } : { ...rest, name: 'own' };
        expect(JSON.parse(forward(JSON.stringify(params, null, indent)) ?? 'null')).toEqual(
          JSON.parse(JSON.stringify(expected)),
        );
      }),
    );
  });

  it('writes a name that needs escapes', () => {
    expect(forwardParams(Buffer.from('{"name":"x"}'), ['name'], 'a"b\n')?.toString()).toBe('{"name":"a\\"b\\n"}');
  });

  it.each(['{}', '{"name":1,"name":2}', '{"na\\u006de":1,"name":2}', '{"name":1,"_meta":{},"_meta":{}}', '[]', 'x'])(
    'has nothing to forward in %s',
    (json) => {
      expect(forward(json)).toBeUndefined();
    },
  );

  it('takes out every progress token', () => {
    expect(forward('{"name":"x","_meta":{"progressToken":1,"a":2,"progress\\u0054oken":3}}')).toBe(
      '{"name":"own","_meta":{"a":2}}',
    );
  });

  it.each([
    [['uri'], '{"uri" : "x","a":1}', '{"uri" : "own","a":1}'],
    [['taskId'], '{"taskId":"x"}', '{"taskId":"own"}'],
    [
      ['ref', 'name'],
      '{"argument":{},"ref":{"type":"t", "name":"x" ,"b":2}}',
      '{"argument":{},"ref":{"type":"t", "name":"own" ,"b":2}}',
    ],
    [['ref', 'uri'], '{"ref":{"uri":"x","uri":"y"}}', undefined],
    [['ref', 'uri'], '{"ref":"x"}', undefined],
    [['ref', 'uri'], '{"ref":{"uri":"x"},"ref":{"uri":"x"}}', undefined],
  ] as const)('rewrites what is at %j', (path, json, expected) => {
    expect(forwardParams(Buffer.from(json), path, 'own')?.toString()).toBe(expected);
  });
});
