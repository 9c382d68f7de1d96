// The drills that come with Highwater, and files of one's own. Each is planned when read, so a broken one says so.

import type { DrillSummary } from '../api/drill-views.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { DiskError, type Disk } from '../runtime/runtime.ts';
import type { DrillPlan } from './drill-plan.ts';
import { planDrill } from './plan-drill.ts';

/** The order of the library: what a newcomer runs first comes first. */
const levels = ['first', 'basic', 'advanced'];
const fileBytesMax = 262_144;

export class DrillLibrary {
  readonly #disk: Disk;
  readonly #directory: string;
  /** Reading and checking two dozen files takes a tenth of a second, and those of the catalog never change. */
  #plans: readonly DrillPlan[] | null = null;

  /** `directory` holds the files of the catalog. */
  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  plans(): readonly DrillPlan[] {
    this.#plans ??= this.#disk
      .list(this.#directory)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => this.#read(`${this.#directory}/${file}`, file))
      .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level) || (a.name < b.name ? -1 : 1));
    return this.#plans;
  }

  /** A drill of the catalog by its name, or the file at that path. */
  find(nameOrPath: string): DrillPlan {
    if (/^[a-z0-9][a-z0-9-]*$/.test(nameOrPath)) {
      const path = `${this.#directory}/${nameOrPath}.yaml`;
      if (this.#disk.exists(path)) return this.#read(path, nameOrPath);
    }
    if (!this.#disk.exists(nameOrPath) || this.#disk.isDirectory(nameOrPath)) {
      throw new ClusterError(
        'UNKNOWN_DRILL',
        `there is no drill "${nameOrPath}", and no file of that name`,
        'highwater drill list shows the drills; or give the path of a drill file',
      );
    }
    return this.#read(nameOrPath, nameOrPath);
  }

  #read(path: string, where: string): DrillPlan {
    let bytes: Uint8Array;
    try {
      bytes = this.#disk.readFile(path);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      throw new ClusterError('UNREADABLE', `${path} can't be read: ${error.message}`, null, error);
    }
    if (bytes.length > fileBytesMax) {
      throw new ClusterError(
        'BAD_DRILL',
        `${where} is ${bytes.length} bytes long, a drill has at most ${fileBytesMax}`,
      );
    }
    return planDrill(Buffer.from(bytes).toString('utf8'), where);
  }
}

export function summaryOfPlan(plan: DrillPlan): DrillSummary {
  const { name, title, teaches, story, level, tags, brokers, source, steps, questions } = plan;
  return {
    name,
    title,
    teaches,
    story,
    level,
    tags,
    brokers,
    source,
    steps: steps.map((step) => step.text),
    questions: questions.map(({ ask, answers }) => ({ ask, answers: answers.map((answer) => answer.say) })),
  };
}
