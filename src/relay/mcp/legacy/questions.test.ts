import { expect, it } from 'vitest';
import { CallQuestions, SessionQuestions } from './questions.js';

const question = { ask: 3, method: 'roots/list', params: Buffer.alloc(0) };

it('a question that has no way to the client is refused at once, and awaits no answer', () => {
  const session = new SessionQuestions();
  const sent: string[] = [];
  const answers: string[] = [];
  const call = new CallQuestions(session, (json) => {
    sent.push(json.toString());
    return false;
  });
  call.ask(question, (kind, json) => answers.push(`${kind} ${json.toString()}`));
  const { id } = JSON.parse(sent[0] ?? '') as { id: string };
  expect(answers).toEqual([expect.stringMatching(/^error .*-32601/)]);
  session.answered(JSON.stringify(id), 'result', Buffer.from('{}'));
  call.end();
  expect(answers).toHaveLength(1);
  expect(sent).toHaveLength(1);
});

it('questions of two calls, and of two sessions, go by different ids', () => {
  const ids = new Set<unknown>();
  for (const session of [new SessionQuestions(), new SessionQuestions()]) {
    for (let count = 0; count < 2; count += 1) {
      const call = new CallQuestions(session, (json) => {
        ids.add((JSON.parse(json.toString()) as { id: unknown }).id);
        return true;
      });
      call.ask(question, () => {});
    }
  }
  expect(ids.size).toBe(4);
});
