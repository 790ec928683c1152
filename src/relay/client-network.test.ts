import { expect, test } from 'vitest';
import { clientNetwork } from './client-network.js';

test('all addresses of an IPv6 customer are one, and each IPv4 address is itself', () => {
  const one = clientNetwork('2001:db8:1:2ff::1');
  expect(clientNetwork('2001:db8:1:200:ffff::9')).toBe(one);
  expect(clientNetwork('2001:db8:1:300::1')).not.toBe(one);
  expect(clientNetwork('192.0.2.1')).toBe('192.0.2.1');
  expect(clientNetwork('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(clientNetwork('::ffff:192.0.2.2')).not.toBe(clientNetwork('::ffff:192.0.2.1'));
  expect(clientNetwork('fe80::1%eth0')).toBe(clientNetwork('fe80::2%eth1'));
});
