import { Buffer } from 'node:buffer';
import { LineReader } from '../stdio/line-reader.js';
import { EventData, joined } from './event-data.js';
import type { Pace } from './pace.js';

const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
/** Of one event's other fields, with what each costs beside its bytes; none that means anything is so long. */
const FIELDS_BYTES = 64 * 1024;
const FIELD_BYTES = 100;

export interface EventTapEvents {
  /** One message as received. What is returned stands in the stream in its place. */
  message(json: Buffer): string;
  /** The stream gave an event id: after a break it can be taken up again. */
  eventId(): void;
  /** A message over the limit, of which only both ends are left; it is dropped and the stream goes on. */
  overlong(head: Buffer, tail: Buffer, bytes: number): void;
  /** The stream has ended in good order. */
  end(): void;
}

/**
 * Takes the messages out of an event stream (https://html.spec.whatwg.org/#event-stream-interpretation) byte for byte,
 * before the SDK parses them, and leaves it what it needs to follow the stream: ids, retry times, other events.
 * @param limit largest message in bytes
 * @param pace ended with the stream, however that ends
 */
export async function* eventTap(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
  pace: Pace,
  events: EventTapEvents,
): AsyncGenerator<Buffer> {
  let held = 0;
  let whole = false;
  let fields: Buffer[] = [];
  let fieldBytes = 0;
  const data = new EventData(limit);
  let type = '';
  let out: Buffer[] = [];

  const dispatch = () => {
    whole = true;
    const taken = data.take();
    let rest: readonly Buffer[] = [];
    if (taken.kind === 'overlong') {
      events.overlong(taken.head, taken.tail, taken.bytes);
      rest = [Buffer.alloc(0)];
    } else {
      const { json, lines } = taken;
      const isMessage = json.length > 0 && (type === '' || type === 'message');
      // Without a data field the event, and with it the id, would not count.
      rest = isMessage ? [Buffer.from(events.message(json))] : lines;
    }
    out.push(...fields, ...rest.map((value) => Buffer.concat([Buffer.from('data: '), value])), Buffer.alloc(0));
    fields = [];
    fieldBytes = 0;
    type = '';
  };
  const reader = new LineReader(limit + 'data: \r'.length, {
    line(raw) {
      const line = raw.at(-1) === CARRIAGE_RETURN ? raw.subarray(0, -1) : raw;
      if (line.length === 0) return dispatch();
      if (startsWith(line, 'data')) {
        data.add(fieldValue(line));
        return;
      }
      if (startsWith(line, 'event')) type = fieldValue(line).toString('utf8');
      if (startsWith(line, 'id')) events.eventId();
      fieldBytes += line.length + FIELD_BYTES;
      if (fieldBytes <= FIELDS_BYTES) fields.push(line);
    },
    overlong: (head, tail, bytes) => {
      events.overlong(startsWith(head, 'data') ? fieldValue(head) : head, tail, bytes);
    },
  });

  try {
    for await (const chunk of stream) {
      whole = false;
      reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (out.length > 0) yield joined([...out, Buffer.alloc(0)]);
      out = [];
      held = whole ? 0 : Math.min(held + chunk.length, limit);
      await pace.next(held);
    }
    // What has no blank line behind it is no event.
    events.end();
  } finally {
    pace.end();
  }
}

function startsWith(line: Buffer, field: string): boolean {
  return line.subarray(0, field.length + 1).toString('latin1') === `${field}:`;
}

function fieldValue(line: Buffer): Buffer {
  const colon = line.indexOf(':');
  return line.subarray(line[colon + 1] === SPACE ? colon + 2 : colon + 1);
}
