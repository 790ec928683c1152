import { describe, expect, it } from 'vitest';
import {
  type AnswerHead,
  decodeAsk,
  encodeAnswer,
  OPEN_ASKS,
  QUESTION_BYTES,
} from '../../../protocol/call-messages.js';
import { MessageError } from '../../../protocol/message-reader.js';
import { OpenQuestions } from './open-questions.js';

function rig() {
  const sent: unknown[] = [];
  const questions = new OpenQuestions((body) => {
    const { head, params } = decodeAsk(body);
    sent.push('gone' in head ? { gone: head.ask } : { ask: head.ask, params: params.toString() });
  });
  const answer = (head: AnswerHead, json: string) => questions.answered(encodeAnswer(head, Buffer.from(json)));
  const ask = (params = '{}', signal = new AbortController().signal) =>
    questions.ask('elicitation/create', Buffer.from(params), signal);
  return { questions, sent, answer, ask };
}

describe('OpenQuestions', () => {
  it('numbers questions, and says of each once that it is gone', async () => {
    const { sent, answer, ask } = rig();
    const first = ask('{"a":1}');
    const second = ask('');
    answer({ ask: 2, kind: 'result' }, '{"action":"accept"}');
    answer({ ask: 2, kind: 'result' }, '{"action":"decline"}');
    answer({ ask: 9, kind: 'result' }, '{}');
    expect(await second).toEqual({ kind: 'result', json: Buffer.from('{"action":"accept"}') });
    answer({ ask: 1, kind: 'error' }, '{"code":-1,"message":"no","data":[1]}');
    expect(await first).toEqual({ kind: 'error', error: { code: -1, message: 'no', data: [1] } });
    expect(sent).toEqual([{ ask: 1, params: '{"a":1}' }, { ask: 2, params: '{}' }, { gone: 2 }, { gone: 1 }]);
  });

  it.each(['', 'x', '[]', 'null', '{"code":"1","message":2}'])(
    'takes %j for an error without a reason',
    async (json) => {
      const { answer, ask } = rig();
      const asked = ask();
      answer({ ask: 1, kind: 'error' }, json);
      expect(await asked).toEqual({ kind: 'error', error: { code: -32603, message: 'the client gave no reason' } });
    },
  );

  it('takes a question back', async () => {
    const { sent, answer, ask } = rig();
    const taken = new AbortController();
    const asked = ask('{}', taken.signal);
    taken.abort(new Error('never mind'));
    await expect(asked).rejects.toThrow('never mind');
    answer({ ask: 1, kind: 'result' }, '{}');
    expect(sent).toEqual([{ ask: 1, params: '{}' }, { gone: 1 }]);
    await expect(ask('{}', taken.signal)).rejects.toThrow('never mind');
  });

  it('ends with the call, and says nothing more then', async () => {
    const { questions, sent, ask } = rig();
    const taken = new AbortController();
    const asked = ask('{}', taken.signal);
    questions.end(new Error('cancelled'));
    await expect(asked).rejects.toThrow('cancelled');
    taken.abort();
    await expect(ask()).rejects.toThrow('cancelled');
    expect(sent).toHaveLength(1);
  });

  it('refuses what the relay would end the call for', async () => {
    const { questions, sent, answer, ask } = rig();
    expect(await ask(`"${'x'.repeat(QUESTION_BYTES)}"`)).toMatchObject({ kind: 'error' });
    const large = `"${'x'.repeat(QUESTION_BYTES - 100)}"`;
    const taken = new AbortController();
    const two = [ask(large, taken.signal), ask(large)];
    expect(await ask(large)).toMatchObject({ kind: 'error', error: { message: 'a question that is too large' } });
    // One that is taken back may wait for the client all the same; one that is answered has left.
    taken.abort();
    expect(await ask(large)).toMatchObject({ kind: 'error' });
    answer({ ask: 2, kind: 'result' }, '{}');
    two.push(ask(large));
    answer({ ask: 3, kind: 'result' }, '{}');
    await Promise.allSettled(two);
    sent.length = 0;
    const asked = Array.from({ length: OPEN_ASKS }, () => ask());
    expect(await ask()).toMatchObject({ kind: 'error', error: { message: 'too many questions at a time' } });
    expect(sent).toHaveLength(OPEN_ASKS);
    questions.end(new Error('over'));
    await Promise.allSettled(asked);
  });

  it('does not take what is no answer', () => {
    const { questions } = rig();
    expect(() => questions.answered(Buffer.from('{}'))).toThrow(MessageError);
  });
});
