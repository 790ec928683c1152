import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';

/** What the relay signs and seals with. All of it derives from one secret, so a restart and every replica agree. */
export interface RelayKeys {
  /** Signs browser cookies. */
  readonly cookie: string;
  /** 32 bytes for sealed values that clients hold (session ids, cursors); derive one more key per purpose from it. */
  readonly sealing: Uint8Array;
  readonly signing: SigningKey;
}

/** The Ed25519 key of access tokens. */
export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly privateJwk: PrivateSigningJwk;
  readonly publicKey: KeyObject;
}

export interface PrivateSigningJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly d: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'EdDSA';
}

// RFC 8410: an Ed25519 private key in PKCS #8 is this prefix and the 32 bytes of the seed.
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Derives every key from the relay's secret by HKDF (RFC 5869), one label for each use. */
export function deriveKeys(secret: Uint8Array): RelayKeys {
  return {
    cookie: Buffer.from(derive(secret, 'cookie')).toString('base64url'),
    sealing: derive(secret, 'sealing'),
    signing: signingKey(derive(secret, 'signing')),
  };
}

/** 32 bytes from `secret` for the use that `label` names. */
export function derive(secret: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `mcp-local-tunnel ${label}`, 32));
}

function signingKey(seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  const { x, d } = privateKey.export({ format: 'jwk' });
  if (x === undefined || d === undefined) throw new Error('this Node.js cannot export an Ed25519 key');
  const kid = createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');
  return {
    kid,
    privateJwk: { kty: 'OKP', crv: 'Ed25519', x, d, kid, use: 'sig', alg: 'EdDSA' },
    publicKey: createPublicKey(privateKey),
  };
}
