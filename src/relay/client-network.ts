import { ipKeyGenerator } from 'express-rate-limit';

/** What counts as one address: an IPv4 address, or the /56 network of an IPv6 address, all of which is one customer's. */
export function clientNetwork(address: string): string {
  // A link-local address names its interface too.
  return ipKeyGenerator(address.replace(/%.*$/, ''), 56);
}
