import { describe, expect, it } from 'vitest';
import { harness, ready, scripted, TestClock } from './harness.js';

describe('catalogs', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => ({
    name: `tool-${index}`,
    inputSchema: { type: 'object' },
    'x-own': index,
  }));

  it('has every page, the one behind an empty cursor too, each entry as sent', async () => {
    const { servers, catalogs } = await ready({ one: scripted({ tools: many, pageSize: 100 }) });
    expect(servers.offer('one')?.tools).toEqual(many);
    expect(servers.states()[0]?.tools).toBe(2_000);
    expect(catalogs).toHaveLength(1);
  });

  it('stops after 50 pages and says so', async () => {
    const { servers, warnings } = await ready({ one: scripted({ tools: many, pageSize: 10 }) });
    expect(servers.offer('one')?.tools).toHaveLength(500);
    expect(warnings.join()).toContain('the rest is left out');
  });

  it('follows list_changed, and tells only of a real change', async () => {
    const { call, catalog, catalogs, state } = await ready({ one: scripted() }, { clock: new TestClock() });
    await call('one', 'offer', { tools: [{ name: 'new', inputSchema: {} }], times: 5 });
    expect(await catalog((offer) => offer?.tools[0]?.name === 'new')).toBeDefined();
    await call('one', 'offer', { tools: [{ name: 'new', inputSchema: {} }] });
    await call('one', 'offer', { tools: [] });
    await state((seen) => seen.status === 'ready' && seen.tools === 0);
    expect(catalogs.map((event) => event.catalog?.tools.length)).toEqual([1, 1, 0]);
  });

  it('misses no change that comes right behind the first list', async () => {
    const { servers, catalog } = harness({ one: scripted({ changesWhileListed: true }) });
    servers.start();
    expect(await catalog((offer) => offer?.tools.length === 2)).toBeDefined();
  });

  it('looks again for a tool it does not know where the server announces nothing', async () => {
    const clock = new TestClock();
    const { call, catalog, catalogs } = await ready({ one: scripted({ listChanged: false }) }, { clock });
    await call('one', 'offer-quietly', { tools: [{ name: 'late', inputSchema: {} }] });
    expect(catalogs).toHaveLength(1);
    clock.offset += 10_000;
    await call('one', 'late');
    expect(await catalog((offer) => offer?.tools[0]?.name === 'late')).toBeDefined();
  });

  it('asks a server without tools for none', async () => {
    const { servers } = await ready({ one: scripted({ capabilities: {} }) });
    expect(servers.offer('one')?.tools).toEqual([]);
  });
});
