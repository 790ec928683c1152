import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ApprovalCookie } from './approval-cookie.js';

function exchange(cookie?: string): { readonly req: IncomingMessage; readonly res: ServerResponse } {
  const req = new IncomingMessage(new Socket());
  if (cookie !== undefined) req.headers.cookie = cookie;
  return { req, res: new ServerResponse(req) };
}

test('an approval counts in the answer that gave it and with its cookie, for its own authorization', () => {
  const approval = new ApprovalCookie(true);
  const { req, res } = exchange();
  const kept = approval.give(req, res, 'uid');
  const [line = ''] = [res.getHeader('set-cookie')].flat().map(String);
  expect(line).toMatch(/^__Host-approved_[\w-]{16}=[\w-]{22}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/);
  const cookie = line.split(';', 1)[0] ?? '';
  expect(cookie).not.toContain(kept);
  expect(approval.matches(req, 'uid', kept)).toBe(true);
  const later = exchange(`a=b; ${cookie}`).req;
  expect(approval.matches(later, 'uid', kept)).toBe(true);
  expect(approval.matches(later, 'other', kept)).toBe(false);
  expect(approval.matches(later, 'uid', undefined)).toBe(false);
  expect(approval.matches(later, 'uid', approval.give(req, res, 'uid'))).toBe(false);
});

test.each([undefined, '', 'x', 'uid'])('without its cookie there is no approval: %s', (value) => {
  const approval = new ApprovalCookie(false);
  const { req, res } = exchange();
  const kept = approval.give(req, res, 'uid');
  const name = String(res.getHeader('set-cookie')).split('=', 1)[0];
  expect(name).toMatch(/^relay_approved_/);
  expect(approval.matches(exchange(value === undefined ? undefined : `${name}=${value}`).req, 'uid', kept)).toBe(false);
  // What is kept with the authorization opens nothing.
  expect(approval.matches(exchange(`${name}=${kept}`).req, 'uid', kept)).toBe(false);
});
