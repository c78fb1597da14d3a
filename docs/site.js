// Tables that scroll can be scrolled by the keyboard too. The theme wraps them, and sees to code itself.
addEventListener("load", () => {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) wrap.tabIndex = 0;
});
