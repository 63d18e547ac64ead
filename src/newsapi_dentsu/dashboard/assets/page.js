"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const DAY = 86400000;
  const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [1, 3]];
  const MARKS = ["circle", "triangle", "rect", "rectRot", "star", "crossRot"];
  const charts = [];
  const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function lineColor(name, place) {
    if (name === "succeeded") return color("good");
    if (name === "failed") return color("bad");
    return color(`series-${place + 1}`);
  }

  function valueText(value, unit, format = numbers) {
    if (value === null || value === undefined) return "–";
    if (unit === "seconds") return `${numbers.format(value)} s`;
    if (unit === "bytes") {
      const [factor, name] = [[1024 ** 4, "TB"], [1024 ** 3, "GB"], [1024 ** 2, "MB"], [1024, "kB"]].find(([size]) => value >= size) || [1, "B"];
      return `${numbers.format(Math.round((10 * value) / factor) / 10)} ${name}`;
    }
    return format.format(value);
  }

  // The unit of a size by its largest value, so that the axis has round steps.
  function factorOf(shown, highest) {
    if (shown.unit !== "bytes") return 1;
    return [1024 ** 4, 1024 ** 3, 1024 ** 2, 1024].find((size) => highest >= size) || 1;
  }

  // A single burst, such as the first run, would press all other values to the ground.
  function endOf(values) {
    const sorted = [...values].sort((one, two) => one - two);
    const highest = sorted[sorted.length - 1];
    const usual = sorted[Math.floor(0.97 * (sorted.length - 1))];
    return sorted.length > 20 && usual > 0 && highest > 3 * usual ? Math.ceil(1.5 * usual) : undefined;
  }

  function timeText(time, byDay) {
    const text = new Date(time).toISOString();
    return byDay ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`;
  }

  function dayTicks(axis) {
    const first = Math.ceil(axis.min / DAY);
    const last = Math.floor(axis.max / DAY);
    if (last <= first) return;
    const room = Math.max(2, Math.floor(axis.width / 64));
    const step = Math.max(1, Math.ceil((last - first + 1) / room));
    axis.ticks = [];
    for (let day = first; day <= last; day += step) axis.ticks.push({ value: day * DAY });
  }

  // Within two days, whole days: else the axis would show the minutes between runs by one date.
  function daysAround(shown) {
    const first = shown.times[0];
    const last = shown.times[shown.times.length - 1];
    if (last - first >= 2 * DAY) return {};
    const before = shown.byDay ? DAY : 0;
    return {
      min: Math.floor(first / DAY) * DAY - before,
      max: (Math.floor(last / DAY) + 1) * DAY,
    };
  }

  function draw(box) {
    const shown = data[box.dataset.chart];
    const failed = (place) => shown.failed[place];
    const few = shown.times.length <= 40;
    const known = shown.series.flatMap((line) => line.values).filter((value) => value !== null);
    const highest = Math.max(...known);
    const factor = factorOf(shown, highest);
    const end = endOf(known.map((value) => value / factor));
    box.parentElement.querySelector(".note").textContent = end === undefined ? "" :
      `The axis ends at ${valueText(end * factor, shown.unit)}; the highest value is ${valueText(highest, shown.unit)}.`;
    const lines = shown.series.map((line, place) => ({
      label: line.name,
      data: line.values.map((value, at) => ({ x: shown.times[at], y: value === null ? null : value / factor })),
      borderColor: lineColor(line.name, place),
      backgroundColor: lineColor(line.name, place),
      borderDash: DASHES[place % DASHES.length],
      borderWidth: 2,
      pointBorderColor: (context) => (!shown.byDay && failed(context.dataIndex) ? color("bad") : lineColor(line.name, place)),
      pointBorderWidth: (context) => (!shown.byDay && failed(context.dataIndex) ? 2.5 : 1),
      pointStyle: (context) => (!shown.byDay && failed(context.dataIndex) ? "crossRot" : MARKS[place % MARKS.length]),
      pointRadius: (context) => (!shown.byDay && failed(context.dataIndex) ? 5 : few ? 3 : 1.5),
      pointHoverRadius: 5,
      tension: 0,
    }));
    return new Chart(box.querySelector("canvas"), {
      type: "line",
      data: { datasets: lines },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: {
          x: {
            type: "linear",
            ...daysAround(shown),
            bounds: "data",
            afterBuildTicks: dayTicks,
            grid: { color: color("grid") },
            border: { color: color("line") },
            ticks: {
              color: color("muted"),
              maxRotation: 0,
              autoSkipPadding: 12,
              callback: (value) => timeText(value, true).slice(5),
            },
          },
          y: {
            beginAtZero: true,
            max: end,
            grid: { color: color("grid") },
            border: { display: false },
            ticks: {
              color: color("muted"),
              maxTicksLimit: 6,
              precision: ["seconds", "bytes"].includes(shown.unit) ? undefined : 0,
              callback: (value) => valueText(value * factor, shown.unit, short),
            },
          },
        },
        plugins: {
          legend: {
            display: shown.series.length > 1,
            position: "bottom",
            labels: { color: color("text"), usePointStyle: true, boxHeight: 7, padding: 14 },
          },
          tooltip: {
            callbacks: {
              title: (items) => timeText(items[0].parsed.x, shown.byDay) + (!shown.byDay && failed(items[0].dataIndex) ? " · failed" : ""),
              label: (item) => `${item.dataset.label}: ${valueText(item.raw.y * factor, shown.unit)}`,
            },
          },
        },
      },
    });
  }

  function steer(box, place) {
    const shown = data[box.dataset.chart];
    const readout = box.parentElement.querySelector(".readout");
    let at = null;
    const point = (to) => {
      // Another color scheme draws the charts anew.
      const chart = charts[place];
      at = to;
      const active = to === null ? [] : shown.series
        .map((line, dataset) => ({ datasetIndex: dataset, index: to }))
        .filter(({ datasetIndex }) => shown.series[datasetIndex].values[to] !== null);
      chart.setActiveElements(active);
      chart.tooltip.setActiveElements(active, { x: 0, y: 0 });
      chart.update();
      readout.textContent = to === null ? "" : [
        timeText(shown.times[to], shown.byDay) + (!shown.byDay && shown.failed[to] ? ", failed" : ""),
        ...shown.series.map((line) => `${line.name} ${valueText(line.values[to], shown.unit)}`),
      ].join(" · ");
    };
    box.addEventListener("keydown", (event) => {
      const last = shown.times.length - 1;
      const from = at === null ? last + 1 : at;
      const to = {
        ArrowLeft: Math.max(0, from - 1),
        ArrowRight: Math.min(last, at === null ? 0 : at + 1),
        Home: 0,
        End: last,
        Escape: null,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      point(to);
    });
    box.addEventListener("blur", () => point(null));
  }

  function drawAll() {
    charts.splice(0).forEach((chart) => chart.destroy());
    document.querySelectorAll(".plot").forEach((box) => charts.push(draw(box)));
    document.documentElement.dataset.drawn = charts.length;
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  drawAll();
  document.querySelectorAll(".plot").forEach(steer);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
