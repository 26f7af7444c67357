import { durationText, type Output, sizeText } from "./output.ts";

/** The shape of what a running collection tells; the collect room's own type is wider. */
export type Progress =
  | { readonly kind: "warning"; readonly text: string }
  | { readonly kind: "begin"; readonly exhibit: string; readonly title: string; readonly total: number | null }
  | { readonly kind: "bytes"; readonly exhibit: string; readonly done: number; readonly total: number | null }
  | { readonly kind: "act"; readonly step: string; readonly title: string; readonly outcome: string; readonly detail: string }
  | { readonly kind: "end"; readonly exhibit: string; readonly outcome: string; readonly detail: string | null };

/** Milliseconds between redraws at a terminal, and between lines where there is none. */
const redrawMs = 200;
const lineMs = 10_000;

/** Shows bytes, rate and time left: one redrawn line at a terminal, plain lines elsewhere, nothing when quiet. */
export function progressPrinter(output: Output, now: () => number): (event: Progress) => void {
  // Lanes run side by side: each exhibit has its own beginning.
  const begun = new Map<string, number>();
  let shown = 0;
  const erase = (): void => {
    if (output.live && !output.quiet) process.stderr.write("\r\u001b[2K");
  };
  return (event) => {
    if (output.quiet) return;
    switch (event.kind) {
      case "warning":
        erase();
        output.say(`${output.paint.yellow("warning")}  ${event.text}`);
        return;
      case "begin":
        shown = now();
        begun.set(event.exhibit, shown);
        output.say(`${event.exhibit}  ${event.title}${event.total === null ? "" : `  ${sizeText(event.total)}`}`);
        return;
      case "bytes": {
        const at = now();
        if (at - shown < (output.live ? redrawMs : lineMs)) return;
        shown = at;
        const line = progressLine(event, (at - (begun.get(event.exhibit) ?? at)) / 1000);
        if (output.live) process.stderr.write(`\r\u001b[2K${line.slice(0, output.columns - 1)}`);
        else output.say(line);
        return;
      }
      case "act":
        erase();
        output.say(`${event.step}  ${paintOutcome(output, event.outcome)}  ${event.detail}`);
        return;
      case "end":
        erase();
        output.say(`${event.exhibit}  ${paintOutcome(output, event.outcome)}${event.detail === null ? "" : `  ${event.detail}`}`);
        return;
      default:
        event satisfies never;
    }
  };
}

function progressLine(event: Extract<Progress, { kind: "bytes" }>, seconds: number): string {
  const rate = seconds > 0 ? event.done / seconds : 0;
  const parts = [`${event.exhibit}  ${sizeText(event.done)}`];
  if (event.total !== null && event.total > 0) {
    parts[0] += ` of ${sizeText(event.total)} (${Math.floor((100 * event.done) / event.total)} %)`;
    if (rate > 0) parts.push(`${durationText(Math.max(0, (event.total - event.done) / rate))} left`);
  }
  parts.splice(1, 0, `${sizeText(Math.round(rate))}/s`);
  return parts.join("  ");
}

function paintOutcome(output: Output, outcome: string): string {
  return ["collected", "empty", "done", "already"].includes(outcome) ? output.paint.green(outcome) : output.paint.yellow(outcome);
}
