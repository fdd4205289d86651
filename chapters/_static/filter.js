// A field above each long table of claims that hides the lines without its words.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.filtered")) {
    const field = document.createElement("input");
    field.type = "search";
    field.className = "filter";
    field.placeholder = "Filter, for example: not reproduced";
    field.setAttribute("aria-label", "Show only the lines with these words");
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase();
      for (const row of table.tBodies[0].rows) {
        row.hidden = !row.textContent.toLowerCase().includes(words);
      }
    });
    table.before(field);
  }
});
