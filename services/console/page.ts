import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const PAGE = join(import.meta.dirname, 'page');

/** Packages that the page imports by name; each is served as published. */
const MODULES = ['preact', 'preact/hooks', 'htm', '@preact/signals', '@preact/signals-core', 'uplot'];
/** Packages without `exports`: the file of their ES module. */
const FILES: Readonly<Record<string, string>> = { uplot: 'uplot/dist/uPlot.esm.js' };
const CHART_STYLE = 'uplot/dist/uPlot.min.css';

const moduleFile = (name: string): string => fileURLToPath(import.meta.resolve(FILES[name] ?? name));

const importMap = JSON.stringify({
  imports: Object.fromEntries(MODULES.map((name) => [name, `/modules/${name}.js`])),
});
const mapHash = createHash('sha256').update(importMap).digest('base64');

/** Allows only files of this server and this import map as inline script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  `script-src 'self' 'sha256-${mapHash}'`,
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Serves the page's files and the packages it imports. */
export async function servePage(app: FastifyInstance): Promise<void> {
  const html = readFileSync(join(PAGE, 'index.html'), 'utf8').replace('"IMPORT_MAP"', importMap);
  app.get('/', async (_, reply) =>
    reply
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(html),
  );
  const serveModule = (path: string, type: string, file: string) => {
    const text = readFileSync(moduleFile(file), 'utf8');
    app.get(path, async (_, reply) =>
      reply.header('cache-control', 'no-cache').type(`${type}; charset=utf-8`).send(text),
    );
  };
  for (const name of MODULES) serveModule(`/modules/${name}.js`, 'text/javascript', name);
  serveModule('/modules/uplot.css', 'text/css', CHART_STYLE);
  await app.register(files, { root: PAGE, prefix: '/page/', cacheControl: false, index: false });
}
