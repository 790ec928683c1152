import { describe, expect, it } from 'vitest';
import type { RequestContext } from '../../src/agent/servers/types.js';
import type { StdioServerConfig } from '../../src/config/config.js';
import { client, replying } from './asking.js';
import { type Harness, nodeModule, ready, resultOf, textOf } from './harness.js';

const everything = (over: Partial<StdioServerConfig> = {}): Promise<Harness> =>
  ready({
    one: {
      command: [process.execPath, nodeModule('@modelcontextprotocol/server-everything/dist/index.js')],
      env: {},
      disabled: false,
      era: 'legacy',
      ...over,
    },
  });

const able = client('a', { capabilities: { elicitation: { form: {}, url: {} }, sampling: {} } });
const request = async ({ servers }: Harness, method: string, params: object, over: Partial<RequestContext> = {}) =>
  resultOf(
    await servers.request('one', method, Buffer.from(JSON.stringify(params)), {
      signal: new AbortController().signal,
      client: able,
      ...over,
    }),
  );

describe('server-everything', () => {
  it('asks in a form, for a URL, for a sample and for roots', async () => {
    const made = await everything({ sampling: true, roots: ['file:///srv/project'] });
    const form = replying({ action: 'accept', content: { name: 'Ada' } });
    expect(
      textOf(await made.call('one', 'trigger-elicitation-request', {}, { client: able, onAsk: form.onAsk })),
    ).toContain('provided the requested information');
    const url = replying({ action: 'accept' });
    const visit = { url: 'https://example.com/', message: 'Visit', elicitationId: 'e' };
    await made.call('one', 'trigger-url-elicitation', visit, { client: able, onAsk: url.onAsk });
    expect(JSON.parse(Buffer.from(url.asked[0]?.params ?? []).toString())).toMatchObject({ mode: 'url' });
    const sample = replying({ role: 'assistant', content: { type: 'text', text: 'forty-two' }, model: 'm' });
    const prompt = { prompt: 'What?', maxTokens: 5 };
    expect(
      textOf(await made.call('one', 'trigger-sampling-request', prompt, { client: able, onAsk: sample.onAsk })),
    ).toContain('forty-two');
    expect(textOf(await made.call('one', 'get-roots-list', {}, { client: able }))).toContain('file:///srv/project');
  });

  it('asks on behalf of a task, whose client alone is asked, whoever else calls', async () => {
    const made = await everything();
    const mine = replying({ action: 'accept', content: { interpretation: 'Python programming language' } });
    const theirs = replying({ action: 'decline' });
    const stop = new AbortController();
    const others = { client: client('b'), onAsk: theirs.onAsk, signal: stop.signal };
    const long = made.call('one', 'trigger-long-running-operation', { duration: 60, steps: 60 }, others);
    long.catch(() => {});
    const query = { name: 'simulate-research-query', arguments: { topic: 'python', ambiguous: true } };
    const { task } = await request(made, 'tools/call', { ...query, task: { ttl: 60_000 } });
    const { taskId } = task as { taskId: string };
    const status = async () => (await request(made, 'tasks/get', { taskId })).status;
    await expect.poll(status, { timeout: 15_000, interval: 200 }).toBe('input_required');
    expect(await request(made, 'tasks/result', { taskId }, { onAsk: mine.onAsk })).toMatchObject({
      content: [{ text: expect.stringContaining('Python programming language') }],
    });
    expect([mine, theirs].map(({ asked }) => asked.length)).toEqual([1, 0]);
    stop.abort(new Error('enough'));
  });
});
