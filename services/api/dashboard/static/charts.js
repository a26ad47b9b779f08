// Draws every [data-chart] with uPlot, in the page's colours; draws again when its topic or the theme changes.
"use strict";
(() => {
  // A canvas knows no variables and no light-dark(): an element resolves them.
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (name) => {
    probe.style.color = `var(${name}, var(--accent))`;
    return getComputedStyle(probe).color;
  };
  const tone = (series, index) => colour(`--chart-${series.tone || index + 1}`);
  const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
  const number = (value, unit) => (value == null ? "–" : `${short.format(value)}${unit || ""}`);

  const axis = (extra) => ({
    stroke: colour("--muted"),
    font: "11px system-ui",
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1, size: 4 },
    ...extra,
  });
  const options = (figure, answer, width) => ({
    width,
    height: Number(figure.dataset.height),
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    scales: { y: answer.log ? { distr: 3, log: 10 } : { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
    axes: [axis({ space: 70 }), axis({ size: 54, values: (_, values) => values.map((value) => number(value, answer.unit)) })],
    series: [{ label: "Time" }, ...answer.series.map((series, index) => ({
      label: series.name,
      stroke: tone(series, index),
      width: 1.6,
      dash: series.dashed ? [5, 4] : undefined,
      fill: answer.series.length === 1 ? `color-mix(in srgb, ${tone(series, index)} 12%, transparent)` : undefined,
      points: { show: false },
      value: (_, value) => number(value, answer.unit),
    }))],
  });

  const draw = (figure) => {
    const answer = figure.answer;
    if (!answer) return;
    const plot = figure.querySelector(".plot");
    figure.chart?.destroy();
    // A logarithm has no zero.
    const clean = (value) => (answer.log && value !== null && value <= 0 ? null : value);
    const data = [answer.times, ...answer.series.map((series) => series.values.map(clean))];
    figure.chart = new uPlot(options(figure, answer, plot.clientWidth), data, plot);
  };
  const note = (figure, text) => {
    const line = figure.querySelector("[data-chart-note]");
    line.textContent = text;
    line.hidden = !text;
  };
  const load = async (figure) => {
    try {
      const answer = await fetch(figure.dataset.chart, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      figure.answer = await answer.json();
      const isEmpty = !figure.answer.times.length;
      note(figure, isEmpty ? "Nothing was measured in this time yet." : "");
      figure.querySelector(".plot").hidden = isEmpty;
      if (!isEmpty) draw(figure);
    } catch {
      note(figure, "The figures could not be read. They are asked for again with the next update.");
    }
  };

  const figures = [...document.querySelectorAll("[data-chart]")];
  for (const figure of figures) {
    load(figure);
    for (const topic of (figure.dataset.live || "").split(" ").filter(Boolean)) {
      document.body.addEventListener(`live:${topic}`, () => load(figure));
    }
    new ResizeObserver(() => {
      const width = figure.querySelector(".plot").clientWidth;
      if (figure.chart && width && figure.chart.width !== width) figure.chart.setSize({ width, height: Number(figure.dataset.height) });
    }).observe(figure);
  }
  const redraw = () => figures.forEach(draw);
  document.addEventListener("theme", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
