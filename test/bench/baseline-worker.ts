import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { DirectClient } from './direct-client.ts';

/** A plain BullMQ worker that posts the data of its jobs: `node baseline-worker.ts REDIS_URL ENDPOINT_PORT CONCURRENCY`. */
const [url = '', port = '', concurrency = ''] = process.argv.slice(2);
const direct = new DirectClient(Number(port), Number(concurrency));
const worker = new Worker<object>(
  'baseline',
  async ({ data }) => {
    await direct.post('/', data);
  },
  {
    connection: new Redis(url, { maxRetriesPerRequest: null }),
    concurrency: Number(concurrency),
    removeOnComplete: { count: 0 },
  },
);
worker.on('error', () => {});
await worker.waitUntilReady();
process.on('message', () => process.send?.('ready'));
process.once('disconnect', () => process.exit(0));
