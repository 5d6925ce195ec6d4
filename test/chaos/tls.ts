import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Paths of a self-signed certificate for 127.0.0.1. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** It names `localhost` too, which the NATS client verifies when its URL has an IP address. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', files.key, '-out', files.cert],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
  ]);
  return files;
}
