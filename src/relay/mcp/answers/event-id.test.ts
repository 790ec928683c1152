import { describe, expect, it } from 'vitest';
import { formatEventId, LISTEN_ID, parseEventId, requestTag } from './event-id.js';

describe('event ids', () => {
  it.each(['1', '"a b\\n"', '9007199254740993'])('carry the request id %s', (requestId) => {
    const id = formatEventId('boot-1', 7, requestTag(requestId));
    expect(id).toMatch(/^[\x21-\x7e]+$/);
    expect(parseEventId(id)).toEqual({ stream: 'boot-1', sequence: 7, requestId });
  });

  it('leave out a request id that is too long', () => {
    expect(parseEventId(formatEventId('b', 0, requestTag(`"${'x'.repeat(200)}"`)))).toEqual({
      stream: 'b',
      sequence: 0,
    });
  });

  it('know the GET stream’s', () => {
    expect(parseEventId(LISTEN_ID)).toEqual({ stream: '', sequence: 0 });
  });

  it.each([
    '',
    'x',
    'a.b.c',
    'a.1',
    'a b.1.',
    'a.1.%',
    `a.1.${Buffer.from('{}').toString('base64url')}x`,
    'a.99999999999999999.',
    `a.1.${Buffer.from('\n1\r').toString('base64url')}`,
  ])('that no relay made name no request: %s', (text) => {
    expect(parseEventId(text)?.requestId).toBeUndefined();
  });
});
