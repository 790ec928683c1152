import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { LineReader } from './line-reader.js';

const signal = new AbortController().signal;

it('gives lines in order, then undefined', async () => {
  const input = new PassThrough();
  const lines = new LineReader(input);
  const first = lines.next(signal);
  input.write('one\r\ntwo\nth');
  expect(await first).toBe('one');
  expect(await lines.next(signal)).toBe('two');
  input.end('ree');
  expect(await lines.next(signal)).toBe('three');
  expect(await lines.next(signal)).toBeUndefined();
  lines.close();
});

it('rejects with the reason of its signal and can be asked again', async () => {
  const input = new PassThrough();
  const lines = new LineReader(input);
  const controller = new AbortController();
  const aborted = lines.next(controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(aborted).rejects.toBe(reason);
  input.write('late\n');
  expect(await lines.next(signal)).toBe('late');
  lines.close();
  expect(input.destroyed).toBe(true);
});

it('leaves the input alone until it is asked', () => {
  const input = new PassThrough();
  new LineReader(input).close();
  expect(input.destroyed).toBe(false);
  expect(input.listenerCount('data')).toBe(0);
});
