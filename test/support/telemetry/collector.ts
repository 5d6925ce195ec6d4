import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { owned } from '#test/support/owned.ts';

/** A span as OTLP carries it in JSON. */
export interface OtlpSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly time: bigint }[];
  /** What went wrong; undefined when nothing has. */
  readonly error: string | undefined;
}

const ERROR = 2;

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly boolValue?: boolean;
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly attributes: readonly OtlpAttribute[];
        readonly events?: readonly { readonly name: string; readonly timeUnixNano: string }[];
        readonly status?: { readonly code?: number; readonly message?: string };
      }[];
    }[];
  }[];
}

const read = (attributes: readonly OtlpAttribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

function spansOf(request: OtlpRequest): OtlpSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(read(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: read(span.attributes),
        events: (span.events ?? []).map(({ name, timeUnixNano }) => ({ name, time: BigInt(timeUnixNano) })),
        error: span.status?.code === ERROR ? (span.status.message ?? '') : undefined,
      })),
    );
  });
}

/** An OTLP backend that keeps every span it is sent, and metrics as they come. */
export async function startCollector() {
  const spans: OtlpSpan[] = [];
  const metrics: Buffer[] = [];
  const server = createServer(
    owned(async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (request.url === '/v1/metrics') {
        metrics.push(Buffer.concat(chunks));
        response.setHeader('content-type', 'application/x-protobuf').end();
        return;
      }
      spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString('utf8')) as OtlpRequest));
      response.setHeader('content-type', 'application/json').end('{}');
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    spans,
    metrics,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
