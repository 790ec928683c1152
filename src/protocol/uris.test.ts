import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSlug } from './names.js';
import { exposeUri, ownUri, uriKey } from './uris.js';

const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,2}$/).filter(isSlug);
const uri = fc.oneof(
  fc.webUrl(),
  fc.string(),
  fc.string().map((rest) => `ui://${rest}`),
  fc.constantFrom('file:///a/{+path}', 'git.repo+ssh://x', 'a.b+c.d+e', 'ui://a.b+x', 'urn:x:y'),
);

describe('URIs where several servers share an endpoint', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(slug, slug, uri, (device, server, own) => {
        const key = uriKey(device, server);
        expect(ownUri(exposeUri(key, own))).toEqual({ key, uri: own });
      }),
    );
  });

  it('are another for another server', () => {
    fc.assert(
      fc.property(slug, slug, slug, slug, uri, (device, server, otherDevice, otherServer, own) => {
        const same = device === otherDevice && server === otherServer;
        const one = exposeUri(uriKey(device, server), own);
        expect(one === exposeUri(uriKey(otherDevice, otherServer), own)).toBe(same);
      }),
    );
  });

  it('begin with a scheme of their own, so that no client opens another machine’s file', () => {
    const exposed = exposeUri('laptop.files', 'file:///etc/{name}');
    expect(exposed).toBe('laptop.files+file:///etc/{name}');
    expect(new URL(exposeUri('laptop.files', 'file:///etc/hosts')).protocol).toBe('laptop.files+file:');
  });

  it('stay MCP Apps’', () => {
    expect(exposeUri('laptop.files', 'ui://form/1')).toBe('ui://laptop.files+form/1');
    expect(ownUri('ui://form/1')).toBeUndefined();
  });

  it.each(['file:///a', 'laptop+x', 'Laptop.files+x', 'a.b.c+x', '', 'ui://x'])('%j has no key in front', (text) => {
    expect(ownUri(text)).toBeUndefined();
  });
});
