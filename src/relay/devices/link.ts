import type { Frame } from '../../protocol/frames.js';
import type { WriteFrame } from '../../protocol/link-sender.js';
import type { Catalog } from '../../protocol/messages.js';

/** What the registry may do with one connected agent. The socket under it belongs to the tunnel. */
export interface DeviceLink {
  readonly write: WriteFrame;
  /** Ends the link with a code of protocol/close-codes.ts. The registry has already let go of it. */
  close(code: number, reason: string): void;
  /** The same agent has come on another link: nothing more is read here, and the agent is left to close it. */
  retire(): void;
}

/** What one connected agent tells the registry. All of it is ignored once another link has taken over. */
export interface Attachment {
  /** An `event`, `result`, `error`, `ask` or `window` frame. @throws LinkViolation: the link is to be closed */
  frame(frame: Frame): void;
  /** @throws LinkViolation */
  catalog(catalog: Catalog): void;
  /** The agent leaves on purpose, or may no longer be here: its device leaves and its calls fail now. */
  leave(): void;
  /** The link is gone; its calls wait for the agent to come back. */
  lost(): void;
}

/** The agent broke the protocol. */
export class LinkViolation extends Error {}

/** This agent may not attach; the link is to be closed with `closeCode`, and `message` as its reason. */
export class AttachRefused extends Error {
  constructor(
    readonly closeCode: number,
    message: string,
  ) {
    super(message);
  }
}
