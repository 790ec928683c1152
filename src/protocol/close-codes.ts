/** WebSocket close codes of a link, and what an agent does on each. */
export const CloseCode = {
  /** The agent said goodbye, or the relay has nothing more to send on a replaced link. */
  normal: 1000,
  /** Relay stops or restarts: redial after `drain`'s delay. */
  restart: 1012,
  tooLarge: 1009,
  /** The relay made a mistake with this link. */
  internal: 1011,
  /** A frame that cannot be decoded, or one out of order. */
  badFrame: 4400,
  /** Token expired or revoked: refresh, redial once, then ask for a login. */
  unauthorized: 4401,
  /** This user may not connect devices. */
  forbidden: 4403,
  /** No hello in time, or no pong. */
  timeout: 4408,
  /** The same machine came back on another link. */
  replaced: 4409,
  /** Too many devices of this user. */
  tooMany: 4429,
  /** No protocol version in common: one side must be updated. */
  version: 4426,
} as const;

export type AfterClose = 'redial' | 'refresh' | 'stop';

/** Codes not listed here (1006 above all) mean the network: redial. */
const AFTER: ReadonlyMap<number, AfterClose> = new Map([
  [CloseCode.unauthorized, 'refresh'],
  [CloseCode.forbidden, 'stop'],
  [CloseCode.replaced, 'stop'],
  [CloseCode.version, 'stop'],
]);

/** What an agent does after its link closed with `code`. */
export function afterClose(code: number): AfterClose {
  return AFTER.get(code) ?? 'redial';
}
