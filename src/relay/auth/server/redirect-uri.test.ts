import { expect, test } from 'vitest';
import { checkRedirectUri, isLoopback, isNativeRedirect } from './redirect-uri.js';

test.each([
  'https://claude.ai/api/mcp/auth_callback',
  'https://a.example:8443/cb?x=1',
  'http://localhost/cb',
  'http://127.0.0.1:3000/',
  'http://[::1]:3000/cb',
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'vscode://vscode.github-authentication/did-authenticate',
  'com.example.app:/oauth',
])('%s may be registered', (uri) => {
  expect(checkRedirectUri(uri)).toBeUndefined();
});

test.each([
  ['http://example.com/', 'http only for localhost'],
  ['http://127.0.0.2/', 'http only for localhost'],
  ['http://localhost.evil.example/', 'http only for localhost'],
  ['javascript:alert(1)', 'scheme javascript'],
  [' JaVaScRiPt:alert(1)', 'scheme javascript'],
  ['data:text/html,x', 'scheme data'],
  ['ms-msdt:/id', 'scheme ms-msdt'],
  ['https://a.example/#', 'fragment'],
  ['https://u:p@a.example/', 'user name'],
  ['http://127.0.0.1@a.example/', 'user name'],
  ['http://127.0.0.1:80@a.example/', 'user name'],
  ['http://127.0.0.1\\@a.example/', 'characters'],
  ['https://a.example\\@b.example/', 'characters'],
  ['https://a.example/\r\nb', 'characters'],
  ['ht\ttps://a.example/', 'characters'],
  ['https://\u0430.example/', 'characters'],
  ['https://\u24b6.example/', 'characters'],
  ['https:a.example/', 'two slashes'],
  ['https:/a.example/', 'two slashes'],
  ['https:///a.example/', 'two slashes'],
  ['java\nscript:alert(1)', 'scheme javascript'],
  ['webcal://a.example/', 'scheme webcal'],
  ['smb://a.example/x', 'scheme smb'],
  ['urn:ietf:wg:oauth:2.0:oob', 'scheme urn'],
  ['no uri', 'absolute'],
])('%s may not: %s', (uri, why) => {
  expect(checkRedirectUri(uri)).toContain(why);
});

test('loopback and native are told apart from the web', () => {
  expect(isLoopback('http://localhost:1/')).toBe(true);
  expect(isLoopback('https://localhost:1/')).toBe(false);
  expect(isNativeRedirect('cursor://x')).toBe(true);
  expect(isNativeRedirect('https://a.example/')).toBe(false);
});
