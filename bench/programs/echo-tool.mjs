/** The one tool of every local server here. */
export const tool = {
  name: 'echo',
  description: 'Answers its text, or as many letters as it is asked for, at once or late.',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string' }, bytes: { type: 'number' }, ms: { type: 'number' } },
  },
};
