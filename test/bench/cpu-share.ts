import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Short, so that a process that has used its share waits a few ms only. */
const PERIOD_US = 10_000;
/** Version 1 of Linux's control groups has a hierarchy for each resource, version 2 has one. */
const V1 = '/sys/fs/cgroup/cpu';
const V2 = '/sys/fs/cgroup';

/** Limits processes to a share of one core each, in a control group for each process. */
export class CpuShare {
  readonly #groups: string[] = [];
  readonly #percent: number;

  /** `percent` of one core. */
  constructor(percent: number) {
    this.#percent = percent;
  }

  /** @throws when the user or the machine cannot create control groups for CPU. */
  async limit(pid: number): Promise<void> {
    const v1 = existsSync(V1);
    const group = join(v1 ? V1 : V2, `dialhook-bench-${pid}`);
    await mkdir(group).catch((error: unknown) => {
      throw new Error('the benchmark "readers" needs root and control groups for CPU', { cause: error });
    });
    this.#groups.push(group);
    const quota = String((PERIOD_US * this.#percent) / 100);
    if (v1) {
      await writeFile(join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
      await writeFile(join(group, 'cpu.cfs_quota_us'), quota);
    } else {
      await writeFile(join(group, 'cpu.max'), `${quota} ${PERIOD_US}`);
    }
    await writeFile(join(group, 'cgroup.procs'), String(pid));
  }

  /** Removes the groups. Their processes must have ended. */
  async remove(): Promise<void> {
    for (const group of this.#groups.splice(0)) await rmdir(group);
  }
}
