import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LevelStore } from '../../store/level-store.js';
import { openStore } from '../../store/open.js';
import { Revocations } from '../revocations.js';
import { GrantRecords } from './grant-records.js';
import { loadOidcProvider } from './load.js';

let dataDir: string;
let store: LevelStore;
let revocations: Revocations;
let grants: GrantRecords;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-grants-'));
  store = await openStore(dataDir);
  revocations = await Revocations.load(store, 60);
  const { errors } = await loadOidcProvider();
  grants = new GrantRecords({ store, revocations, errors, refreshGraceSeconds: 0 });
});
afterEach(async () => {
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

test('a grant that is revoked while it is being saved stays revoked', async () => {
  const saving = grants.upsert('g', { accountId: 'a' }, 60);
  const revoking = grants.destroy('g');
  await expect(saving).rejects.toMatchObject({ error: 'invalid_grant' });
  await revoking;
  expect(await grants.find('g')).toBeUndefined();
  expect(await store.get('oidc:Grant:g')).toBeUndefined();
});

test('a revoked grant cannot be saved again', async () => {
  await grants.upsert('g', { accountId: 'a' }, 60);
  expect(await grants.find('g')).toEqual({ accountId: 'a' });
  await grants.destroy('g');
  await expect(grants.upsert('g', { accountId: 'a' }, 60)).rejects.toMatchObject({ error: 'invalid_grant' });
  expect(await store.get('oidc:Grant:g')).toBeUndefined();
});
