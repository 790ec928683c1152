import { expect, it } from 'vitest';
import { Listen } from './listen.js';

it('keeps only so much of what a server tells before it has agreed', () => {
  const told: string[] = [];
  const { signal } = new AbortController();
  const context = { signal, onNotification: (method: string) => void told.push(method) };
  const listen = new Listen({ lists: ['tools'], uris: [] }, context, () => true);
  for (let count = 0; count < 10_000; count += 1) listen.tell('notifications/tools/list_changed', {});
  expect(told).toEqual([]);
  listen.acknowledge([]);
  expect(told[0]).toBe('notifications/subscriptions/acknowledged');
  expect(told.length).toBeGreaterThan(100);
  expect(told.length).toBeLessThan(1000);
  listen.tell('notifications/x', {});
  expect(told.at(-1)).toBe('notifications/x');
});
