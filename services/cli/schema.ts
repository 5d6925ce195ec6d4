import { SCHEMAS, type SchemaName } from '#libs/contract/json-schema.ts';
import { type Command, EXIT, UsageError } from './command.ts';

const NAMES = Object.keys(SCHEMAS) as SchemaName[];

export const schema: Command = {
  name: 'schema',
  arguments: NAMES.join('|'),
  help: 'print a JSON Schema of the endpoint contract, or the whole contract as OpenAPI 3.1 or AsyncAPI 3.0',
  options: {},
  fails: 'never',
  run: async ({ arguments: [given, ...rest] }, terminal) => {
    const name = NAMES.find((one) => one === given);
    if (name === undefined || rest.length > 0)
      throw new UsageError(`schema takes one of ${NAMES.join(', ')}`);
    terminal.out(JSON.stringify(SCHEMAS[name], undefined, 2));
    return EXIT.ok;
  },
};
