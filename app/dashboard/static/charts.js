// Draws the charts. Every number comes from the table in the page, which stays for those who read.
"use strict";

(() => {
  const SHOWN = {
    count: (v) => v.toLocaleString(),
    share: (v) => `${Math.round(v * 100)} %`,
    ms: (v) => (v < 1000 ? `${Math.round(v)} ms` : `${(v / 1000).toFixed(v < 9950 ? 1 : 0)} s`),
    rate: (v) => String(Math.round(v)),
    usd: (v) => (v === 0 ? "$0" : `$${v < 0.01 ? v.toPrecision(1) : v.toFixed(2)}`),
  };
  const drawn = new Map(); // figure -> uPlot

  const colour = (number) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--c${number}`).trim();
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function read(figure) {
    const heads = [...figure.querySelectorAll("thead th")].slice(1);
    const rows = [...figure.querySelectorAll("tbody tr")];
    return {
      series: heads.map((head) => ({ name: head.textContent, colour: head.dataset.colour })),
      times: rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000),
      columns: heads.map((_, at) =>
        rows.map((row) => {
          const value = row.cells[at + 1].dataset.v;
          return value === undefined ? null : Number(value);
        })),
      links: rows.map((row) => [...row.cells].map((cell) => cell.querySelector("a")?.href)),
      texts: heads.map((_, at) => rows.map((row) => row.cells[at + 1].textContent)),
    };
  }

  // Bars on top of one another are drawn as sums, the largest first and the smaller ones over it.
  function stacked(columns) {
    const sums = [];
    columns.forEach((column, at) => {
      sums.push(column.map((value, row) => (value || 0) + (at ? sums[at - 1][row] : 0)));
    });
    return sums;
  }

  function tip(data) {
    const box = document.createElement("div");
    box.className = "tip";
    box.hidden = true;
    return {
      hooks: {
        init: (plot) => plot.over.append(box),
        setCursor: (plot) => {
          const at = plot.cursor.idx;
          box.hidden = at === null || at === undefined || plot.cursor.left < 0;
          if (box.hidden) return;
          const when = document.createElement("b");
          when.textContent = new Date(data.times[at] * 1000)
            .toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
          const lines = data.series
            .map((each, index) => [each.name, data.columns[index][at], data.texts[index][at]])
            .filter((line) => line[1])
            .map(([name, , text]) => {
              const line = document.createElement("span");
              line.append(Object.assign(document.createElement("i"), { textContent: name }), text);
              return line;
            });
          box.replaceChildren(when, ...(lines.length ? lines : ["nothing"]));
          const right = plot.cursor.left > plot.over.clientWidth / 2;
          const left = plot.cursor.left + (right ? -box.offsetWidth - 12 : 12);
          box.style.left = `${Math.max(0, left)}px`;
        },
      },
    };
  }

  function draw(figure) {
    const place = figure.querySelector(".plot");
    if (!place) return;
    drawn.get(figure)?.destroy();
    const data = read(figure);
    const { kind, unit } = figure.dataset;
    const bars = kind === "stack";
    const order = data.series.map((_, at) => at);
    if (bars) order.reverse();
    const values = bars ? stacked(data.columns) : data.columns;
    const axis = {
      stroke: ink("--soft"), font: "12px system-ui, sans-serif",
      grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false },
    };
    const few = data.times.length > 1 ? data.times[1] - data.times[0] : 3600;
    const plot = new uPlot({
      width: place.clientWidth, height: 220, legend: { show: false }, padding: [8, 22, 0, 0],
      cursor: { y: false, points: { show: !bars }, drag: { x: false, y: false } },
      scales: {
        x: { range: (_, low, high) => [low - few * 0.6, high + few * 0.6] },
        y: { range: (_, __, high) => [0, unit === "share" ? 1 : (high || 1) * 1.08] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 70, size: 30, label: figure.dataset.across,
          labelSize: 22, labelFont: axis.font,
          values: (_, marks) => marks.map((mark) => label(mark, data.times)) },
        { ...axis, size: 54, space: 44, label: figure.dataset.up, labelSize: 22, labelFont: axis.font, values: (_, marks) => marks.map(SHOWN[unit]) },
      ],
      series: [{}, ...order.map((at) => ({
        label: data.series[at].name,
        stroke: colour(data.series[at].colour), width: bars ? 0 : 2,
        fill: bars ? colour(data.series[at].colour) : undefined,
        paths: bars ? uPlot.paths.bars({ size: [0.74, 40], radius: 0 }) : undefined,
        points: { show: !bars, size: 5, fill: colour(data.series[at].colour) },
        spanGaps: true,
      }))],
      plugins: [tip(data)],
    }, [data.times, ...order.map((at) => values[at])], place);
    drawn.set(figure, plot);
    plot.over.addEventListener("click", () => open(data, plot, bars ? values : null));
  }

  // A click opens the receipts of the bar it is on; above all bars, those of all together.
  function open(data, plot, sums) {
    const at = plot.cursor.idx;
    if (at === null || at === undefined) return;
    const height = plot.posToVal(plot.cursor.top, "y");
    const hit = sums ? sums.findIndex((sum) => height <= sum[at]) : -1;
    const [all, ...each] = data.links[at];
    const href = each[hit] || all;
    if (href) location.assign(href);
  }

  // A day or less is told by the hour, more by the date; in the browser's own time and words.
  function label(mark, times) {
    const day = times[times.length - 1] - times[0] <= 90000;
    const moment = new Date(mark * 1000);
    return day
      ? moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
      : moment.toLocaleDateString([], { day: "numeric", month: "short" });
  }

  function drawAll() {
    for (const [figure, plot] of drawn) {
      if (!figure.isConnected) {
        plot.destroy();
        drawn.delete(figure);
      }
    }
    document.querySelectorAll("figure.chart").forEach(draw);
  }

  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 120);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.addEventListener("pointsman:shown", drawAll);
  drawAll();
})();
