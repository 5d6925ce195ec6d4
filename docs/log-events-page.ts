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

## Where lines go

**systemd.** Into the journal, which rotates by itself (\`SystemMaxUse\` of \`journald.conf\`). A line has the severity of its level:
\`debug\` 7, \`info\` 6, \`warn\` 4, \`error\` 3, \`fatal\` 2. The services write it as a prefix (\`<3>\`) when \`JOURNAL_STREAM\` names their
output; journald removes it, unless a unit has \`SyslogLevelPrefix=no\`.

    journalctl -u 'dialhook-*' -p err                                  # errors of all services, also invalid settings
    journalctl -u dialhook-agent -o cat | grep CALL_UUID               # all lines about a call
    journalctl -u dialhook-agent -o cat | jq -Rc 'fromjson? | select(.event == "call.not_decided")'
    journalctl -u dialhook-agent -o json | jq -c '[.PRIORITY, .MESSAGE]'

Fields of a line are in its JSON, not fields of the journal: Node has no sockets for the journal's own protocol. journald drops
lines of a service above \`RateLimitBurst\` (10,000 in 30 s) and logs how many. For nodes with more than about 100 calls per second
set \`LogRateLimitIntervalSec=0\` in a drop-in of the unit, or \`LOG_LEVEL=warn\`.

**Docker and Kubernetes.** Docker's default log driver never rotates; \`deploy/compose.yaml\` and \`dialhook init\` choose \`local\`, which
keeps 100 MB per container. The kubelet rotates (\`containerLogMaxSize\`).

**A file.** Append with \`>>\`, so that logrotate can truncate the file; services do not open log files and need no signal:

    node services/router/main.ts >> /var/log/dialhook/router.log

    /var/log/dialhook/*.log {
        daily
        rotate 14
        compress
        copytruncate
    }

## Events

| Event | Written by | Message | Meaning |
| --- | --- | --- | --- |
${rows().join('\n')}
`;
