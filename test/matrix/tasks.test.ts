import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place } from './place.js';

const TASKS = 'io.modelcontextprotocol/tasks';

let place: Place;

beforeAll(async () => {
  place = await Place.open();
}, 120_000);

afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
});

describe.each([
  { path: '/laptop/new', prefix: '', id: /^[0-9a-f-]{36}$/ },
  { path: '', prefix: 'new__', id: /^laptop\.new\+[0-9a-f-]{36}$/ },
])('the tasks extension at /mcp$path', ({ path, prefix, id }) => {
  let requests = 0;

  async function ask(method: string, params: Record<string, unknown>, extensions: object = { [TASKS]: {} }) {
    requests += 1;
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, extensions },
    };
    const headers = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': String(params.name ?? params.taskId),
    };
    return place.post(path, { id: requests, method, params: { ...params, _meta } }, headers);
  }

  const call = async (name: string, args: object = {}) =>
    (await ask('tools/call', { name: `${prefix}${name}`, arguments: args })).answer.result;
  const get = async (taskId: string) => (await ask('tasks/get', { taskId })).answer.result;

  test('§7.40 a task is made, looked at and has its result', async () => {
    const made = await call('job', { marker: 'm3' });
    expect(made).toMatchObject({ resultType: 'task', status: 'working', taskId: expect.stringMatching(id) });
    await expect.poll(() => get(made.taskId), { timeout: 10_000 }).toMatchObject({ status: 'completed' });
    const { resultType, taskId, result } = await get(made.taskId);
    expect({ resultType, taskId }).toEqual({ resultType: 'complete', taskId: made.taskId });
    expect(result.content).toEqual([{ type: 'text', text: 'job done: m3' }]);
  });

  test('§7.40 a task asks, and goes on with the answer', async () => {
    const { taskId } = await call('confirm_delete', { filename: 'a.txt' });
    await expect.poll(() => get(taskId), { timeout: 10_000 }).toMatchObject({ status: 'input_required' });
    const { inputRequests } = await get(taskId);
    expect(inputRequests).toMatchObject({ confirm: { method: 'elicitation/create' } });
    const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } };
    expect((await ask('tasks/update', { taskId, inputResponses })).answer.result).toMatchObject({
      resultType: 'complete',
    });
    await expect.poll(() => get(taskId), { timeout: 10_000 }).toMatchObject({ status: 'completed' });
  });

  test('§7.40 a task is cancelled', async () => {
    const { taskId } = await call('slow_compute', { seconds: 60 });
    expect((await ask('tasks/cancel', { taskId })).answer.result).toMatchObject({ resultType: 'complete' });
    expect(await get(taskId)).toMatchObject({ status: 'cancelled' });
  });

  test('§7.40 a client that does not know tasks makes none and reaches none', async () => {
    const { taskId } = await call('slow_compute', { seconds: 60 });
    const required = await ask('tools/call', { name: `${prefix}job`, arguments: {} }, {});
    expect(required).toMatchObject({ status: 400, answer: { error: { code: -32021 } } });
    for (const method of ['tasks/get', 'tasks/cancel']) {
      const refused = await ask(method, { taskId }, {});
      expect(refused).toMatchObject({ status: 400, answer: { error: { code: -32021 } } });
    }
    expect(await get(taskId)).toMatchObject({ status: 'working' });
    await ask('tasks/cancel', { taskId });
  });

  test('§7.40 an unknown task, and a header that names another', async () => {
    const { taskId } = await call('slow_compute', { seconds: 60 });
    const unknown = taskId.replace(/[0-9a-f]{12}$/, '000000000000');
    expect((await ask('tasks/get', { taskId: unknown })).answer.error).toMatchObject({ code: -32602 });
    const { status, answer } = await ask('tasks/get', { taskId, name: unknown });
    expect({ status, code: answer.error.code }).toEqual({ status: 400, code: -32020 });
    await ask('tasks/cancel', { taskId });
  });
});
