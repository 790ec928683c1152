import { Buffer } from 'node:buffer';
import { LineReader } from '../stdio/line-reader.js';

const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

export interface EventTapEvents {
  /** One message as received. What is returned stands in the stream in its place. */
  message(json: Buffer): string;
  /** The stream gave an event id: after a break it can be taken up again. */
  eventId(): void;
  /** A message over the limit, of which only both ends are left; it is dropped and the stream goes on. */
  overlong(head: Buffer, tail: Buffer, bytes: number): void;
  end(): void;
}

/**
 * Takes the messages out of an event stream (https://html.spec.whatwg.org/#event-stream-interpretation) byte for byte,
 * before the SDK parses them, and leaves it what it needs to follow the stream: ids, retry times, other events.
 * @param limit largest message in bytes
 */
export function eventTap(limit: number, events: EventTapEvents): TransformStream<Uint8Array, Uint8Array> {
  let fields: Buffer[] = [];
  let data: Buffer[] = [];
  let type = '';
  let out: Buffer[] = [];

  const dispatch = () => {
    const json = joined(data);
    const isMessage = json.length > 0 && (type === '' || type === 'message');
    if (json.length > limit) events.overlong(json.subarray(0, 4096), json.subarray(-4096), json.length);
    // Without a data field the event, and with it the id, would not count.
    const rest = isMessage ? [Buffer.from(json.length > limit ? '' : events.message(json))] : data;
    out.push(...fields, ...rest.map((value) => Buffer.concat([Buffer.from('data: '), value])), Buffer.alloc(0));
    fields = [];
    data = [];
    type = '';
  };
  const reader = new LineReader(limit + 'data: \r'.length, {
    line(raw) {
      const line = raw.at(-1) === CARRIAGE_RETURN ? raw.subarray(0, -1) : raw;
      if (line.length === 0) return dispatch();
      if (startsWith(line, 'data')) {
        data.push(fieldValue(line));
        return;
      }
      if (startsWith(line, 'event')) type = fieldValue(line).toString('utf8');
      if (startsWith(line, 'id')) events.eventId();
      fields.push(line);
    },
    overlong: (head, tail, bytes) => {
      events.overlong(startsWith(head, 'data') ? fieldValue(head) : head, tail, bytes);
    },
  });

  return new TransformStream({
    transform(chunk, controller) {
      reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (out.length > 0) controller.enqueue(joined([...out, Buffer.alloc(0)]));
      out = [];
    },
    // What has no blank line behind it is no event.
    flush: () => events.end(),
  });
}

function startsWith(line: Buffer, field: string): boolean {
  return line.subarray(0, field.length + 1).toString('latin1') === `${field}:`;
}

function fieldValue(line: Buffer): Buffer {
  const colon = line.indexOf(':');
  return line.subarray(line[colon + 1] === SPACE ? colon + 2 : colon + 1);
}

function joined(lines: readonly Buffer[]): Buffer {
  const [only] = lines;
  if (only && lines.length === 1) return only;
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from('\n'), line])));
}
