import { createHash, randomBytes } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import type { Principal } from '../../auth/principal.js';
import { isShape, type Shape } from '../json-rpc.js';
import { isLegacyVersion, type LegacyVersion } from '../protocol-versions.js';

/** What a legacy session is; all of it is inside its `Mcp-Session-Id`. */
export interface SessionClaims {
  readonly sid: string;
  readonly version: LegacyVersion;
  readonly capabilities: Shape;
  readonly clientInfo: Shape | undefined;
  /** Whose it is: hash of the user, the client and the endpoint it was made at. */
  readonly owner: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
}

/** A response's headers have to fit what proxies buffer for them, often 4 KiB. */
const MAX_INFO = 512;
const MAX_CAPABILITIES = 1024;
/** Longer ids than `seal` makes are not looked at. */
const MAX_ID = 6144;
const PURPOSE = 'mcp-session';

/** Seals legacy sessions into their ids (JWE, direct A256GCM), so that they outlive the relay's process. */
export class SessionCodec {
  /** @param key 32 bytes, the same after a restart and on every replica */
  constructor(private readonly key: Uint8Array) {}

  /** A new session. Client info and capabilities of unreasonable size are cut down to what matters. */
  async seal(
    session: Pick<SessionClaims, 'version' | 'capabilities' | 'clientInfo' | 'owner'>,
  ): Promise<{ readonly id: string; readonly claims: SessionClaims }> {
    const claims: SessionClaims = {
      sid: randomBytes(16).toString('base64url'),
      version: session.version,
      capabilities: smallCapabilities(session.capabilities),
      clientInfo: session.clientInfo && smallInfo(session.clientInfo),
      owner: session.owner,
      issuedAt: Math.floor(Date.now() / 1000),
    };
    const { sid, version, capabilities, clientInfo, owner, issuedAt } = claims;
    const id = await new EncryptJWT({ sid, version, capabilities, clientInfo, owner })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setIssuedAt(issuedAt)
      .setAudience(PURPOSE)
      .encrypt(this.key);
    return { id, claims };
  }

  /** Undefined for anything this key did not seal. Whose it is and how old is for the caller to judge. */
  async open(id: string): Promise<SessionClaims | undefined> {
    if (id.length > MAX_ID) return undefined;
    try {
      const { payload } = await jwtDecrypt(id, this.key, {
        audience: PURPOSE,
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      const { sid, version, capabilities, clientInfo, owner, iat } = payload;
      if (typeof sid !== 'string' || typeof owner !== 'string' || iat === undefined) return undefined;
      if (!isLegacyVersion(version) || !isShape(capabilities)) return undefined;
      return {
        sid,
        version,
        capabilities,
        clientInfo: isShape(clientInfo) ? clientInfo : undefined,
        owner,
        issuedAt: iat,
      };
    } catch {
      return undefined;
    }
  }
}

/** What binds a session to its user, client and endpoint, without putting their names into the id. */
export function sessionOwner(principal: Principal, endpoint: string): string {
  const text = JSON.stringify([principal.userId, principal.clientId, endpoint]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 32);
}

function smallInfo(info: Shape): Shape {
  if (JSON.stringify(info).length <= MAX_INFO) return info;
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 64) : undefined);
  return { name: text(info.name), title: text(info.title), version: text(info.version) };
}

function smallCapabilities(capabilities: Shape): Shape {
  if (JSON.stringify(capabilities).length <= MAX_CAPABILITIES) return capabilities;
  const { elicitation, sampling, roots } = capabilities;
  const small = { elicitation, sampling, roots };
  return JSON.stringify(small).length <= MAX_CAPABILITIES ? small : {};
}
