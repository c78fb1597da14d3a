"use strict";
(function () {
  const rows = [...document.querySelectorAll("#all tbody tr")];
  const search = document.getElementById("search"), suite = document.getElementById("suite");
  const boxes = [...document.querySelectorAll("#filters input[type=checkbox]")];
  const shown = document.getElementById("shown");
  if (!search) return;
  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter(box => box.checked).map(box => box.value));
    let number = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const same = wanted.has(row.dataset.verdict) && (!suite.value || row.dataset.suite === suite.value)
        && words.every(word => text.includes(word));
      row.hidden = !same;
      number += same;
    }
    shown.textContent = number + " of " + rows.length + " cases";
  }
  function open() {
    const id = decodeURIComponent(location.hash.slice(1)), target = id && document.getElementById(id);
    if (!target) return;
    const hidden = target.closest("tr[hidden]");
    if (hidden) { search.value = ""; suite.value = ""; boxes.forEach(box => box.checked = true); show(); }
    for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
    target.scrollIntoView();
  }
  const filters = document.getElementById("filters");
  filters.addEventListener("input", show);
  filters.addEventListener("submit", event => event.preventDefault());
  document.addEventListener("keydown", event => {
    if (event.key === "/" && document.activeElement.tagName !== "INPUT") { event.preventDefault(); search.focus(); }
  });
  addEventListener("hashchange", open);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(one => one.open = true));
  show();
  open();
})();
