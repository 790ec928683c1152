import { AsyncLocalStorage } from 'node:async_hooks';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { withQuietContext } from './quiet-context.js';

it('a context is there for as long as any request is under way, and is off after the last', async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const ends: (() => void)[] = [];
  const handle = withQuietContext(context, (req) =>
    context.run(String(req.url), async () => {
      await new Promise<void>((resolve) => ends.push(resolve));
      seen.push(context.getStore());
      if (req.url === '/broken') throw new Error('broken');
    }),
  );
  const first = handle(...exchange('/first'));
  const second = handle(...exchange('/broken'));
  ends[0]?.();
  await first;
  ends[1]?.();
  await expect(second).rejects.toThrow('broken');
  expect(seen).toEqual(['/first', '/broken']);
  // Node.js 24 has no such switch, and no cost.
  expect(Reflect.get(context, 'enabled')).not.toBe(true);

  const third = handle(...exchange('/third'));
  ends[2]?.();
  await third;
  expect(seen.at(-1)).toBe('/third');
});

function exchange(url: string): [IncomingMessage, ServerResponse] {
  const req = new IncomingMessage(new Socket());
  req.url = url;
  return [req, new ServerResponse(req)];
}
