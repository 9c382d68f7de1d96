// Runs as JUnit XML, for build servers: a drill is a test suite, an expectation a test case. Pure.

import type { DrillRunRecord } from '../api/drill-views.ts';
import { escapeMarkup } from './escape-markup.ts';
import { measureText } from './measures.ts';

export function junitReport(runs: readonly DrillRunRecord[]): string {
  const suites = runs.map((run) => {
    const { verdict } = run;
    const expectations = verdict?.expectations ?? [];
    const name = escapeMarkup(run.drill);
    const cases = expectations.map(({ measure, expected, actual, passed }) => {
      const title = escapeMarkup(`${measure}: ${expected}`);
      const message = escapeMarkup(`${measure} is ${measureText(measure, actual)}, expected ${expected}`);
      const body = passed ? '' : `<failure message="${message}"/>`;
      return `    <testcase classname="${name}" name="${title}">${body}</testcase>`;
    });
    const failure = verdict?.failure ?? (verdict === null ? 'no verdict' : null);
    const ending = failure === null ? '' : `<error message="${escapeMarkup(failure)}"/>`;
    cases.push(`    <testcase classname="${name}" name="runs to its end">${ending}</testcase>`);
    const failures = expectations.filter((each) => !each.passed).length;
    const time = (run.elapsedMs / 1000).toFixed(3);
    return [
      `  <testsuite name="${name}" tests="${cases.length}" failures="${failures}" errors="${failure === null ? 0 : 1}" time="${time}">`,
      `    <properties><property name="seed" value="${run.seed}"/></properties>`,
      ...cases,
      '  </testsuite>',
    ].join('\n');
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="highwater drills">\n${suites.join('\n')}\n</testsuites>\n`;
}
