import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { RecordParts } from './records.js';

/** Grants, which hold no secret and are known by an id that stands in every access token. A revoked one stays gone. */
export class GrantRecords implements Adapter {
  constructor(private readonly parts: RecordParts) {}

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const { revocations, store, errors } = this.parts;
    if (!revocations.has(id)) await store.put(key(id), payload, { ttlSeconds: expiresIn, durable: true });
    // Once more: it may have been revoked while the disk was busy.
    if (!revocations.has(id)) return;
    await store.delete(key(id));
    throw new errors.InvalidGrant('grant was revoked');
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.parts.revocations.has(id) ? undefined : this.parts.store.get<AdapterPayload>(key(id));
  }

  async destroy(id: string): Promise<void> {
    await this.parts.revocations.revoke(id);
    await this.parts.store.delete(key(id));
  }

  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

function key(id: string): string {
  return `oidc:Grant:${id}`;
}
