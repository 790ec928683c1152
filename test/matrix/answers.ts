export interface Item {
  readonly name: string;
  readonly [field: string]: unknown;
}

export interface ToolResult {
  readonly content: readonly { readonly type: string; readonly text?: string; readonly uri?: string }[];
  readonly isError?: boolean;
  readonly structuredContent?: unknown;
}

/** Text of the first block. */
export const textOf = ({ content: [first] }: ToolResult) => first?.text;

/** The code of the error it ends with, or else its result. */
export async function code(asking: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([asking]);
  if (outcome.status === 'fulfilled') return outcome.value;
  return (outcome.reason as { code?: unknown }).code;
}
