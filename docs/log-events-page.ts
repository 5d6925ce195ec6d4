import { LOG_EVENTS } from '#libs/telemetry/log-events.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

const rows = (): string[] =>
  Object.entries(LOG_EVENTS)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(
      ([code, { by, message, description }]) =>
        `| \`${code}\` | ${by.join(', ')} | ${cell(message)} | ${cell(description)} |`,
    );

/** docs/log-events.md. */
export const logEventsPage = (): string => `# Log events

Generated from \`libs/telemetry/log-events.ts\` by \`npm run generate\`; do not edit.

Each service writes one JSON object per line to standard output:

| Field | Value |
| --- | --- |
| \`time\` | ISO 8601, UTC |
| \`level\` | \`debug\`, \`info\`, \`warn\`, \`error\` or \`fatal\`; \`LOG_LEVEL\` sets the least severe level that is written |
| \`service\` | \`agent\`, \`router\`, \`notifier\` or \`console\` |
| \`event\` | a code of the table below; it is stable, so filter and alert on it |
| \`message\` | the text of the event, for people; it may change |
| \`call\`, \`trace_id\`, \`node\` | in every line about a call: its uuid, its trace and its FreeSWITCH node |
| \`err\` | in lines about an error: \`type\`, \`message\`, \`code\`, \`stack\`, \`cause\` |

Other fields depend on the event. With \`LOG_NUMBERS=masked\` telephone numbers show only their last two digits.

| Event | Written by | Message | Meaning |
| --- | --- | --- | --- |
${rows().join('\n')}
`;
