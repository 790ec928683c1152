import { createHmac } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import { type RecordParts, Records } from './records.js';
import { hashedId, openRecord, sealRecord } from './sealed-record.js';

// An expired code is still known for a while, so that its device hears `expired_token` and not that there is none.
const KEPT_SECONDS = 300;

/**
 * Device codes (RFC 8628), found by their user code as well. That has 34 bits, few enough to be tried out on a copy of
 * the store: it stands there only under the relay's key.
 */
export class DeviceCodeRecords extends Records {
  readonly #store: RecordParts['store'];

  /** @param key 32 bytes, for this alone */
  constructor(
    parts: RecordParts,
    private readonly key: Uint8Array,
  ) {
    super('DeviceCode', parts);
    this.#store = parts.store;
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn = 0): Promise<void> {
    const ttlSeconds = expiresIn + KEPT_SECONDS;
    await super.upsert(id, payload, ttlSeconds);
    if (payload.userCode === undefined) return;
    const secret = this.#secret(payload.userCode);
    await this.#store.put(userCodeKey(secret), sealRecord(secret, id), { ttlSeconds });
  }

  override async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const secret = this.#secret(userCode);
    const sealed = await this.#store.get<string>(userCodeKey(secret));
    return sealed === undefined ? undefined : this.find(openRecord<string>(secret, sealed));
  }

  #secret(userCode: string): string {
    return createHmac('sha256', this.key).update(userCode).digest('base64url');
  }
}

function userCodeKey(secret: string): string {
  return `oidc:user-code:${hashedId(secret)}`;
}
