import type { ImageLimits } from '../../../protocol/client-profiles.js';
import type { Span } from '../../../protocol/json-spans.js';
import type { CallSignal } from '../../servers/call-signal.js';
import { elementsAt } from '../shape/exposure.js';
import { type EditedObject, mayHold, SpanEdits } from '../shape/span-edits.js';
import type { FittedImage, Images } from './images.js';

interface Block {
  readonly span: Span;
  readonly block: EditedObject;
  readonly data: Span;
  readonly mimeType: string;
}

/**
 * A tool's result with its images as this client takes them. What became of one is told in a text after it: where
 * things are on a screen is told in pixels.
 * @throws the signal's reason
 */
export async function fitImages(
  json: Buffer,
  limits: ImageLimits,
  images: Images,
  signal: CallSignal,
): Promise<Buffer> {
  if (!mayHold(json, ['"image"'])) return json;
  const edits = new SpanEdits(json);
  const result = edits.root();
  const blocks = result === undefined ? [] : imagesOf(result);
  const bytes = Math.min(limits.bytes, Math.floor(limits.totalBytes / Math.max(1, blocks.length)));
  for (const { span, block, data, mimeType } of blocks) {
    const image = Buffer.from(json.toString('latin1', data[0] + 1, data[1] - 1).replaceAll('\\/', '/'), 'base64');
    const fitted = await images.fit(image, mimeType, bytes, limits, signal);
    if (fitted.kind === 'fits') continue;
    const note = JSON.stringify({ type: 'text', text: noteOf(fitted, image.length, mimeType) });
    if (fitted.kind === 'unreadable') {
      edits.replace(span, note);
      continue;
    }
    if (fitted.kind === 'changed') {
      edits.replace(data, `"${fitted.data.toString('base64')}"`);
      block.set('mimeType', JSON.stringify(fitted.mimeType));
      block.commit();
    }
    edits.replace([span[1], span[1]], `,${note}`);
  }
  return edits.result();
}

function imagesOf(result: EditedObject): Block[] {
  return elementsAt(result, 'content').flatMap((span) => {
    const block = result.edits.object(span);
    const data = block?.get('data');
    if (block === undefined || data === undefined || block.string('type') !== 'image') return [];
    return result.edits.json[data[0]] === 0x22 ? [{ span, block, data, mimeType: block.string('mimeType') ?? '' }] : [];
  });
}

function noteOf(fitted: Exclude<FittedImage, { kind: 'fits' }>, bytes: number, mimeType: string): string {
  const what = `${mimeType}, ${Math.ceil(bytes / 1024)} KB`;
  switch (fitted.kind) {
    case 'changed':
      return `[Image made smaller for this client: ${fitted.from} pixels before, ${fitted.to} now.]`;
    case 'not_installed':
      return `[The image above (${what}) is more than this client takes. To have such images made smaller, run \`npm install sharp\` beside mcp-local-tunnel on the device (\`npm install --global sharp\` for a global installation) and restart the agent.]`;
    case 'unreadable':
      return `[An image (${what}) was left out: it is more than this client takes, and could not be made smaller.]`;
  }
}
