// The chart of the daily trend: drawn from the JSON beside it, in the colours that the style sheet gives the legend.
"use strict";

{
  const MEASURES = { clients: ["clients", "latest", "outdated"], requests: ["requests"] };
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const SYMBOLS = { clients: "circle", latest: "rect", outdated: "triangle", requests: "circle" };

  let chart = null;
  let measure = "clients";
  const resizing = new ResizeObserver(() => chart?.resize());

  const figure = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const legend = (name) => document.querySelector(`#legend [data-series="${name}"]`);
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`);

  function short(day) {
    const [, month, number] = day.split("-");
    return `${Number(number)} ${MONTHS[month - 1]}`;
  }

  // Inline styles are forbidden on our pages, so the tooltip is made of elements, not of the library's HTML.
  function tooltip(data, place) {
    const day = data.days[place];
    const box = document.createElement("div");
    const head = document.createElement("strong");
    head.textContent = `${WEEKDAYS[new Date(day).getUTCDay()]} ${short(day)}`;
    const list = document.createElement("dl");
    list.className = "tip";
    for (const name of Object.keys(SYMBOLS).filter(legend)) {
      const term = document.createElement("dt");
      term.dataset.series = name;
      term.textContent = legend(name).textContent;
      const number = document.createElement("dd");
      number.textContent = data[name] ? figure(data[name][place]) : "–";
      list.append(term, number);
    }
    box.append(head, list);
    return box;
  }

  function series(data, name) {
    const isAll = name === "clients";
    const color = colour(`series-${name}`);
    const common = { name, data: data[name], color, emphasis: { disabled: true } };
    if (name === "requests") {
      return { ...common, type: "bar", barMaxWidth: 28, barCategoryGap: "28%" };
    }
    if (data.days.length === 1) {
      return { ...common, type: "bar", barMaxWidth: 28, label: { show: true, position: "top", color, formatter: (item) => figure(item.value) } };
    }
    return {
      ...common,
      type: "line",
      symbol: SYMBOLS[name],
      symbolSize: 6,
      showSymbol: false,
      lineStyle: { width: isAll ? 2 : 1.75, type: name === "outdated" ? [5, 4] : "solid" },
      areaStyle: isAll ? { color, opacity: 0.05 } : undefined,
    };
  }

  function option(data) {
    const hasBars = measure === "requests" || data.days.length === 1;
    const text = { color: colour("chart-text"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 };
    const rule = { color: colour("chart-rule"), width: 1 };
    return {
      animation: false,
      textStyle: text,
      grid: { left: 2, right: 10, top: 12, bottom: 4, containLabel: true },
      xAxis: {
        type: "category",
        data: data.days,
        boundaryGap: hasBars,
        axisTick: { show: false },
        axisLine: { lineStyle: { ...rule, color: colour("chart-axis") } },
        axisLabel: { ...text, formatter: short, hideOverlap: true, margin: 10 },
      },
      yAxis: {
        type: "value",
        min: 0,
        minInterval: 1,
        splitNumber: 4,
        splitLine: { lineStyle: rule },
        axisLabel: { ...text, formatter: figure },
      },
      tooltip: {
        trigger: "axis",
        renderMode: "html",
        className: "trend-tip",
        confine: true,
        transitionDuration: 0,
        axisPointer: {
          type: hasBars ? "shadow" : "line",
          lineStyle: { ...rule, color: colour("chart-axis") },
          z: 0,
          shadowStyle: { color: colour("chart-rule"), opacity: 0.5 },
        },
        formatter: (items) => tooltip(data, items[0].dataIndex),
      },
      series: MEASURES[measure].filter((name) => data[name]).map((name) => series(data, name)),
    };
  }

  function showControls(data) {
    const choice = document.getElementById("measure");
    choice.hidden = false;
    for (const button of choice.children) {
      button.setAttribute("aria-pressed", String(button.dataset.measure === measure));
      button.disabled = !data[button.dataset.measure];
      button.title = button.disabled ? "Requests cannot be counted under these filters." : "";
    }
    for (const item of document.querySelectorAll("#legend [data-series]")) {
      item.hidden = !MEASURES[measure].includes(item.dataset.series);
    }
  }

  // Called whenever the page may have changed: the place of the chart comes, stays or goes with the numbers.
  function draw() {
    const place = document.querySelector("[data-chart]");
    if (chart && chart.getDom() !== place) {
      resizing.unobserve(chart.getDom());
      chart.dispose();
      chart = null;
    }
    if (!place) {
      return;
    }
    const data = JSON.parse(document.getElementById("trend-data").textContent);
    if (!data[measure]) {
      measure = "clients";
    }
    showControls(data);
    if (!chart) {
      chart = echarts.init(place, null, { renderer: "canvas" });
      resizing.observe(place);
    }
    chart.setOption(option(data), { notMerge: true });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-measure]");
    if (button) {
      measure = button.dataset.measure;
      draw();
    }
  });

  for (const happened of ["DOMContentLoaded", "htmx:afterSettle", "htmx:historyRestore", "homing:theme"]) {
    document.addEventListener(happened, draw);
  }
  for (const media of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(media).addEventListener("change", draw);
  }
}
