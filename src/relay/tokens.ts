/** Nest injection tokens for what is not a class; CoreModule provides them everywhere. */

/** RelayConfig (src/config/config.ts). */
export const RELAY_CONFIG = Symbol('RelayConfig');

/** Store (src/relay/store/store.ts), open. */
export const STORE = Symbol('Store');

/** string: the relay's public URL without a trailing slash; the issuer, and the base of every resource. */
export const PUBLIC_URL = Symbol('PublicUrl');

/** Logger (src/log/logger.ts); take a child. */
export const LOGGER = Symbol('Logger');

/** Devices (src/relay/devices/types.ts): the one DeviceRegistry, for those who only call. */
export const DEVICES = Symbol('Devices');
