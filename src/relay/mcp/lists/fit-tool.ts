import type { ClientProfile } from '../../../protocol/client-profiles.js';
import { isShape, type Shape } from '../json-rpc.js';
import { fitSchema } from './fit-schema.js';

/**
 * A tool as a known client can take it: what its schema says in keywords that this client chokes on is said in others,
 * or, where there are none, left out, so that the schema never refuses what the server would have accepted. A client
 * that is not known gets the tool as it is.
 *
 * Of a client whose results may be cut no output schema is asked: structured content that was cut would not meet it.
 */
export function fitTool(tool: Shape, profile: ClientProfile | undefined): Shape {
  if (profile === undefined) return tool;
  const { outputSchema, inputSchema, ...rest } = tool;
  const { schema, note } = fitSchema(isShape(inputSchema) ? inputSchema : {}, profile.schema);
  const { description } = tool;
  const told = note === '' ? description : [description, note].filter((part) => part !== undefined).join('\n\n');
  return {
    ...rest,
    ...(told === undefined ? {} : { description: told }),
    inputSchema: schema,
    ...(outputSchema === undefined || profile.resultCharacters !== undefined ? {} : { outputSchema }),
  };
}
