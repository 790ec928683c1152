import { describe, expect, it } from 'vitest';
import { attribute, type Candidate, type Question } from './attribution.js';

const candidate = (id: number, of: string, over: Partial<Candidate['context']> = {}, abandoned = false): Candidate => ({
  id,
  abandoned,
  context: {
    signal: new AbortController().signal,
    client: {
      era: 'legacy',
      protocolVersion: '2025-11-25',
      endpoint: 'server',
      id: of,
      session: of,
      ask: 'push',
      capabilities: { elicitation: {} },
    },
    onAsk: async () => ({ kind: 'result', json: Buffer.from('{}') }),
    ...over,
  },
});

const question = (over: Partial<Question> = {}): Question => ({
  method: 'elicitation/create',
  params: {},
  stream: undefined,
  ...over,
});

const related = (taskId: string): Partial<Question> => ({
  params: { _meta: { 'io.modelcontextprotocol/related-task': { taskId } } },
});

describe('attribute', () => {
  it('finds who waits for the task that a question names, among any clients', () => {
    const running = [candidate(1, 'a', { taskId: 't1' }), candidate(2, 'b', { taskId: 't2' }), candidate(3, 'c')];
    expect(attribute(question(related('t1')), running)?.id).toBe(1);
    expect(attribute(question({ ...related('t2'), stream: 3 }), running)?.id).toBe(2);
  });

  it('finds nobody for a task that nobody waits for', () => {
    expect(attribute(question(related('t9')), [candidate(1, 'a', { taskId: 't1' })])).toBeUndefined();
    expect(attribute(question(related('t9')), [candidate(1, 'a')])).toBeUndefined();
  });

  it('goes by the stream where there is one, even to nobody', () => {
    const running = [candidate(1, 'a'), candidate(2, 'b')];
    expect(attribute(question({ stream: 1 }), running)?.id).toBe(1);
    expect(attribute(question({ stream: 7 }), running)).toBeUndefined();
    expect(attribute(question({ stream: 1 }), [candidate(1, 'a', {}, true)])).toBeUndefined();
    const { onAsk: _, ...silent } = candidate(1, 'a').context;
    expect(attribute(question({ stream: 1 }), [{ id: 1, context: silent }])).toBeUndefined();
  });

  it('takes the latest of one client that can be asked, and else the latest, whose refusal it is', () => {
    const capabilities = (of: Readonly<Record<string, unknown>>) => ({
      client: { ...(candidate(0, 'a').context.client ?? never()), capabilities: of },
    });
    const url = capabilities({ elicitation: { url: {} } });
    const running = [candidate(1, 'a'), candidate(2, 'a'), candidate(3, 'a', url)];
    expect(attribute(question(), running)?.id).toBe(2);
    expect(attribute(question({ params: { mode: 'url' } }), running)?.id).toBe(3);
    expect(attribute(question({ method: 'sampling/createMessage' }), running)?.id).toBe(3);
  });

  it('takes none where there is more than one client, or none at all', () => {
    expect(attribute(question(), [candidate(1, 'a'), candidate(2, 'b')])).toBeUndefined();
    expect(attribute(question(), [candidate(1, 'a', {}, true), candidate(2, 'b')])).toBeUndefined();
    expect(attribute(question(), [candidate(1, 'a', {}, true)])).toBeUndefined();
    expect(attribute(question(), [])).toBeUndefined();
  });
});

function never(): never {
  throw new Error('a candidate has a client');
}
