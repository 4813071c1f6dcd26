"use strict";
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const hidden = new Set();
  const views = [];
  const timeText = (t) => new Date(t).toISOString().slice(0, page.daily ? 10 : 16).replace("T", " ") + (page.daily ? "" : " UTC");
  const zoomSignal = "zoom_t";

  const rowsOfLines = (measure) =>
    page.accounts.filter((a) => !hidden.has(a.name)).flatMap((a) => {
      const values = page.lines[measure][a.name];
      return page.times.map((t, i) => ({ t, account: a.name, v: values[i] })).filter((row) => row.v !== null);
    });

  const tablesOf = (chart) => {
    if (chart.lines) return { lines: rowsOfLines(chart.lines) };
    if (!chart.symbol) return {};
    const symbol = page.symbols[chart.symbol];
    return {
      price: page.times.map((t, i) => ({ t, v: symbol.close[i] })).filter((row) => row.v !== null),
      trades: symbol.trades.map((trade) => ({ ...trade, t: page.times[trade.row] })),
    };
  };

  const cell = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

  const showTip = (event, head, rows) => {
    const table = document.createElement("table");
    for (const [name, value, colour] of rows) {
      const tr = table.insertRow();
      const th = tr.appendChild(cell("th", name));
      if (colour) th.prepend(Object.assign(document.createElement("i"), { style: `background:${colour}` }));
      tr.appendChild(cell("td", value));
    }
    tip.replaceChildren(...(head ? [cell("b", head)] : []), table);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const right = event.clientX + 16 + box.width < innerWidth;
    tip.style.left = `${right ? event.clientX + 16 : event.clientX - 16 - box.width}px`;
    tip.style.top = `${Math.max(6, Math.min(event.clientY - box.height / 2, innerHeight - box.height - 6))}px`;
  };

  const hideTip = () => { tip.hidden = true; };

  const nearest = (t) => {
    let low = 0, high = page.times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (page.times[middle] < t) low = middle; else high = middle;
    }
    return t - page.times[low] < page.times[high] - t ? low : high;
  };

  // A line across the chart at the pointer, and every account's value there.
  const follow = (chart, view, place) => {
    const cursor = place.appendChild(Object.assign(document.createElement("div"), { className: "cursor", hidden: true }));
    const format = (v) => (chart.percent ? `${(v * 100).toFixed(2)} %` : v.toFixed(2)).replace("-", "−");
    place.addEventListener("pointerleave", () => { cursor.hidden = true; hideTip(); });
    place.addEventListener("pointermove", (event) => {
      const left = view.origin()[0], x = event.clientX - place.getBoundingClientRect().left - left;
      if (x < 0 || x > view.width()) { cursor.hidden = true; hideTip(); return; }
      const scale = view.scale("x"), at = nearest(+scale.invert(x));
      Object.assign(cursor.style, { left: `${left + scale(page.times[at])}px`, height: `${view.height() + view.origin()[1]}px` });
      cursor.hidden = false;
      const rows = page.accounts.filter((a) => !hidden.has(a.name) && page.lines[chart.lines][a.name][at] !== null)
        .map((a) => [a.name.replaceAll("_", " "), page.lines[chart.lines][a.name][at], a.colour])
        .sort((a, b) => b[1] - a[1]).map(([name, value, colour]) => [name, format(value), colour]);
      showTip(event, timeText(page.times[at]), rows);
    });
  };

  // Charts over time move together: a pan or zoom in one is repeated in the others.
  let moving = false;
  const moveTogether = (view) => view.addSignalListener(zoomSignal, (_, range) => {
    if (moving) return;
    moving = true;
    Promise.all(views.filter((other) => other.zooms && other.view !== view).map((other) => other.view.signal(zoomSignal, range).runAsync()))
      .finally(() => { moving = false; });
  });

  const draw = (chart) => {
    const place = document.querySelector(`[data-chart="${chart.name}"]`);
    if (!place) return;
    const spec = { ...chart.spec, ...page.look, datasets: tablesOf(chart) };
    const tooltip = (_, event, __, value) => {
      if (value == null || value === "") hideTip();
      else showTip(event, "", Object.entries(value).map(([name, text]) => [name, String(text)]));
    };
    vegaEmbed(place, spec, { mode: "vega-lite", renderer: "svg", actions: false, tooltip }).then(({ view, vgSpec }) => {
      const zooms = JSON.stringify(vgSpec.signals ?? []).includes(`"${zoomSignal}"`);
      views.push({ chart, view, zooms });
      if (zooms) moveTogether(view);
      if (chart.lines) follow(chart, view, place);
    });
  };

  page.charts.forEach(draw);

  for (const key of document.querySelectorAll(".key")) key.addEventListener("click", () => {
    const name = key.dataset.account;
    if (!hidden.delete(name)) hidden.add(name);
    key.setAttribute("aria-pressed", String(!hidden.has(name)));
    for (const { chart, view } of views) if (chart.lines) view.data("lines", rowsOfLines(chart.lines)).runAsync();
  });

  document.getElementById("who")?.addEventListener("change", (event) => {
    for (const { chart, view } of views) if (chart.symbol) view.signal("who", event.target.value).runAsync();
  });
})();
