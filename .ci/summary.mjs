// Adds up the reports of the test runs: `node .ci/summary.mjs FOLDER FAILED`. A step that failed without a report counts as a failure.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [, , folder, failedSteps] = process.argv;
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const name of ["npm", "servers", "package"]) {
  const path = join(folder, `${name}.json`);
  if (!existsSync(path)) {
    console.log(`no report from the ${name} tests: counted as a failure`);
    sum.failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(path, "utf8"));
  sum.passed += report.numPassedTests;
  sum.failed += report.numFailedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
  for (const file of report.testResults) {
    if (file.status === "failed" && file.assertionResults.length === 0) sum.failed += 1;
    for (const test of file.assertionResults) if (test.status !== "passed") console.log(`${test.status}: ${test.fullName}`);
  }
}
if (failedSteps !== "0" && sum.failed === 0) sum.failed = 1;
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 ? 0 : 1;
