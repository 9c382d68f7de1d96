// Draws the workload's last minute on a canvas: acknowledged and consumed per second, gaps without an
// acknowledgement, and marks for faults and elections. Nothing here knows of Svelte.

import type { Gap, Mark } from '../../state/workload-gaps.ts';
import type { WorkloadHistory } from '../../state/workload-history.ts';
import { formatShort } from '../../text/format.ts';

/** Read from the theme. */
export type ChartLook = Readonly<
  Record<'acknowledged' | 'fill' | 'consumed' | 'line' | 'text' | 'lost' | 'lostSoft' | 'ok' | 'font', string>
>;

export type Chart = {
  readonly history: WorkloadHistory;
  readonly gaps: readonly Gap[];
  readonly marks: readonly Mark[];
  readonly nowMs: number;
  readonly spanMs: number;
  readonly look: ChartLook;
};

const axisHeight = 14;
/** Two samples further apart than this are not joined: in between nothing was reported. */
const joinMs = 2_500;

export function drawChart(context: CanvasRenderingContext2D, width: number, height: number, chart: Chart): void {
  const plotHeight = height - axisHeight;
  const x = (atMs: number): number => width - ((chart.nowMs - atMs) / chart.spanMs) * width;
  const ceiling = niceCeiling(highest(chart));
  const y = (value: number): number => plotHeight - (value / ceiling) * (plotHeight - 12);

  context.clearRect(0, 0, width, height);
  context.font = chart.look.font;
  drawAxis(context, width, plotHeight, y, ceiling, chart);
  for (const gap of chart.gaps)
    drawGap(context, Math.max(0, x(gap.fromMs)), x(gap.untilMs ?? chart.nowMs), plotHeight, chart.look);
  drawArea(context, plotHeight, x, y, chart);
  drawLine(context, x, y, chart, (index) => chart.history.consumed(index), chart.look.consumed, 1, [3, 3]);
  drawLine(context, x, y, chart, (index) => chart.history.acknowledged(index), chart.look.acknowledged, 1.5, []);
  for (const mark of chart.marks) drawMark(context, x(mark.atMs), plotHeight, mark, chart.look);
}

function highest({ history }: Chart): number {
  let most = 1;
  for (let index = 0; index < history.count; index++)
    most = Math.max(most, history.acknowledged(index), history.consumed(index));
  return most;
}

/** 1, 2 or 5 times a power of ten, at least a tenth above the data. */
export function niceCeiling(value: number): number {
  const wanted = value * 1.1;
  const power = 10 ** Math.floor(Math.log10(wanted));
  for (const step of [1, 1.5, 2, 3, 5, 7.5]) if (step * power >= wanted) return step * power;
  return 10 * power;
}

function drawAxis(
  context: CanvasRenderingContext2D,
  width: number,
  plotHeight: number,
  y: (value: number) => number,
  ceiling: number,
  chart: Chart,
): void {
  context.strokeStyle = chart.look.line;
  context.lineWidth = 1;
  context.beginPath();
  for (const value of [0, ceiling / 2, ceiling]) {
    const line = Math.round(y(value)) - 0.5;
    context.moveTo(0, line);
    context.lineTo(width, line);
  }
  context.stroke();
  context.fillStyle = chart.look.text;
  context.textBaseline = 'top';
  context.textAlign = 'left';
  context.fillText(formatShort(ceiling), 0, 0);
  context.textBaseline = 'bottom';
  context.fillText(`${chart.spanMs / 1000} s ago`, 0, plotHeight + axisHeight);
  context.textAlign = 'right';
  context.fillText('now', width, plotHeight + axisHeight);
  context.textAlign = 'center';
  context.fillText(`${chart.spanMs / 2000} s`, width / 2, plotHeight + axisHeight);
}

function drawGap(
  context: CanvasRenderingContext2D,
  from: number,
  until: number,
  plotHeight: number,
  look: ChartLook,
): void {
  if (until <= 0) return;
  const width = Math.max(2, until - from);
  context.save();
  context.beginPath();
  context.rect(from, 0, width, plotHeight);
  context.clip();
  context.fillStyle = look.lostSoft;
  context.fillRect(from, 0, width, plotHeight);
  context.strokeStyle = look.lost;
  context.globalAlpha = 0.5;
  context.beginPath();
  for (let offset = from - plotHeight; offset < from + width; offset += 6) {
    context.moveTo(offset, plotHeight);
    context.lineTo(offset + plotHeight, 0);
  }
  context.stroke();
  context.restore();
  context.fillStyle = look.lost;
  context.fillRect(from, plotHeight - 2, width, 2);
}

function drawArea(
  context: CanvasRenderingContext2D,
  plotHeight: number,
  x: (atMs: number) => number,
  y: (value: number) => number,
  { history, look }: Chart,
): void {
  if (history.count === 0) return;
  context.fillStyle = look.fill;
  context.beginPath();
  let last: number | null = null;
  for (let index = 0; index < history.count; index++) {
    const at = history.atMs(index);
    if (last === null || at - last > joinMs) {
      if (last !== null) context.lineTo(x(last), plotHeight);
      context.moveTo(x(at), plotHeight);
    }
    context.lineTo(x(at), y(history.acknowledged(index)));
    last = at;
  }
  if (last !== null) context.lineTo(x(last), plotHeight);
  context.fill();
}

function drawLine(
  context: CanvasRenderingContext2D,
  x: (atMs: number) => number,
  y: (value: number) => number,
  { history }: Chart,
  valueAt: (index: number) => number,
  colour: string,
  width: number,
  dash: number[],
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.setLineDash(dash);
  context.beginPath();
  let last: number | null = null;
  for (let index = 0; index < history.count; index++) {
    const at = history.atMs(index);
    if (last === null || at - last > joinMs) context.moveTo(x(at), y(valueAt(index)));
    else context.lineTo(x(at), y(valueAt(index)));
    last = at;
  }
  context.stroke();
  context.setLineDash([]);
}

function drawMark(context: CanvasRenderingContext2D, x: number, plotHeight: number, mark: Mark, look: ChartLook): void {
  if (x < 0) return;
  context.strokeStyle = context.fillStyle = mark.tone === 'bad' ? look.lost : look.ok;
  context.lineWidth = 1;
  context.setLineDash(mark.tone === 'bad' ? [] : [2, 2]);
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, 8);
  context.lineTo(Math.round(x) + 0.5, plotHeight);
  context.stroke();
  context.setLineDash([]);
  // Shape says which: a cross for a fault, a diamond for an election.
  context.lineWidth = 1.5;
  context.beginPath();
  if (mark.tone === 'bad') {
    context.moveTo(x - 3, 2);
    context.lineTo(x + 3, 8);
    context.moveTo(x + 3, 2);
    context.lineTo(x - 3, 8);
    context.stroke();
  } else {
    context.moveTo(x, 1);
    context.lineTo(x + 4, 5);
    context.lineTo(x, 9);
    context.lineTo(x - 4, 5);
    context.fill();
  }
}
