"use strict";
// What is shown stands in the address: #ID?q=TEXT&section=S&verdict=MARK&on=VERSION&a=OLD&b=NEW, where
// ID is a requirement, a type or a name; each part may be left out.
(function () {
  const at = id => document.getElementById(id), form = at("filters"), shown = at("shown");
  const FIELDS = ["q", "section", "verdict", "on", "a", "b"].map(at);
  const [q, section, verdict, on, a, b] = FIELDS;
  const versions = [...on.options].slice(1).map(option => option.value);
  const main = at("main"), tables = [at("by-requirement"), at("by-type")];
  const units = tables.map(table => [...table.querySelectorAll("tr.unit")].map(row => {
    const group = row.parentElement, cells = [...row.querySelectorAll("td")];
    const whole = table === tables[0];  // a requirement is found by its cases, too
    return {
      group, row, hides: whole ? group : row, id: row.dataset.id,
      text: (whole ? group : row).textContent.toLowerCase() + " " + group.id.toLowerCase(),
      marks: cells.map(cell => cell.className.replace("-", " ")), texts: cells.map(cell => cell.textContent),
    };
  }));
  let chosen = "";  // the id in the address
  document.documentElement.classList.add("js");

  function pair() {
    const ends = [a, b].map(one => versions.indexOf(one.value));
    return ends[0] < 0 || ends[1] < 0 || ends[0] === ends[1] ? null : ends;
  }
  function wanted(unit, words, ends) {
    const where = on.value ? [versions.indexOf(on.value)] : ends || versions.map((_, index) => index);
    return (!section.value || unit.id.startsWith(section.value + "/"))
      && words.every(word => unit.text.includes(word))
      && (!verdict.value || where.some(index => unit.marks[index] === verdict.value))
      && (!ends || unit.texts[ends[0]] !== unit.texts[ends[1]]);
  }
  function changes(found, ends) {
    const number = (from, to) => found.filter(unit => from(unit.marks[ends[0]]) && to(unit.marks[ends[1]])).length;
    const broken = mark => mark === "deviation", not = mark => !broken(mark);
    return [[number(not, broken), "broken newly"], [number(broken, not), "broken no more"],
      [number(broken, broken), "broken in another way"], [number(not, not), "otherwise"]]
      .filter(([count]) => count).map(([count, words]) => count + " " + words).join(", ");
  }
  function show() {
    const words = q.value.toLowerCase().split(/\s+/).filter(Boolean), ends = pair();
    const told = units.map((all, which) => {
      const found = all.filter(unit => !(unit.hides.hidden = !wanted(unit, words, ends)));
      if (which) for (const group of new Set(all.map(unit => unit.group)))
        group.hidden = !found.some(unit => unit.group === group);
      const how = ends && found.length ? " (" + changes(found, ends) + ")" : "";
      return found.length + " of " + all.length + " requirements" + (which ? " by type" : "") + how;
    });
    versions.forEach((_, index) => main.classList.toggle("off-" + (index + 1), Boolean(ends) && !ends.includes(index)));
    const columns = 1 + (ends ? ends.length : versions.length);  // a cell over more would leave them empty
    main.querySelectorAll("td[colspan]").forEach(cell => { cell.colSpan = columns; });
    shown.textContent = (ends ? "From " + a.value + " to " + b.value + ": " : "") + told.join("; ") + ".";
  }
  function open(group, wide) {
    group.classList.toggle("open", wide);
    group.querySelector("button").setAttribute("aria-expanded", wide);
  }
  function write() {
    const filled = FIELDS.filter(field => field.value).map(field => [field.id, field.value]);
    const text = chosen + (filled.length ? "?" + new URLSearchParams(filled) : "");
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  }
  function read() {
    const [id, filters] = location.hash.slice(1).split("?");
    if (filters !== undefined) {
      const values = new URLSearchParams(filters);
      for (const field of FIELDS) field.value = values.get(field.id) || "";
    }
    chosen = decodeURIComponent(id);
    document.querySelectorAll(".target").forEach(one => one.classList.remove("target"));
    const target = chosen && at(chosen);
    show();
    if (target && target.closest("[hidden]")) { form.reset(); show(); }
    if (target) {
      if (target.matches("tbody")) open(target, true);
      target.classList.add("target");
      target.scrollIntoView();
    }
    write();
  }
  form.addEventListener("input", () => { show(); write(); });
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { show(); write(); }));
  for (const table of tables) table.addEventListener("click", event => {
    const button = event.target.closest("button"), group = event.target.closest("tbody");
    if (!button) return;
    const wide = !group.classList.contains("open");
    open(group, wide);
    chosen = wide ? group.id : "";
    write();
  });
  document.addEventListener("keydown", event => {
    if (event.key === "/" && !event.target.matches("input, select")) { event.preventDefault(); q.focus(); }
  });
  addEventListener("hashchange", read);
  tables.forEach(table => table.querySelectorAll("tbody").forEach(group => open(group, false)));
  read();
})();
