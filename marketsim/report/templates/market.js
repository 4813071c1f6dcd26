"use strict";
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const cell = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

  // The page's own tip, as the runtime's would need a style sheet from elsewhere.
  const tooltip = (_, event, __, value) => {
    tip.hidden = value == null || value === "";
    if (tip.hidden) return;
    const table = document.createElement("table");
    for (const [name, text] of Object.entries(value)) {
      const row = table.insertRow();
      row.append(cell("th", name), cell("td", String(text)));
    }
    tip.replaceChildren(table);
    const box = tip.getBoundingClientRect();
    const right = event.clientX + 16 + box.width < innerWidth;
    tip.style.left = `${right ? event.clientX + 16 : event.clientX - 16 - box.width}px`;
    tip.style.top = `${Math.max(6, Math.min(event.clientY - box.height / 2, innerHeight - box.height - 6))}px`;
  };

  for (const [name, spec] of Object.entries(page.charts)) {
    const place = document.querySelector(`[data-chart="${name}"]`);
    vegaEmbed(place, { width: "container", ...spec, ...page.look }, { mode: "vega-lite", renderer: "svg", actions: false, tooltip });
  }
})();
