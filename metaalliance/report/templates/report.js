"use strict";
(function () {
  function key(cell) {
    var value = cell.getAttribute("data-value");
    if (value !== null) { return Number(value); }
    var text = cell.textContent.trim();
    return text === "–" ? null : text.toLocaleLowerCase();
  }
  function compare(a, b) {
    if (a === null || b === null) { return a === b ? 0 : a === null ? 1 : -1; }
    if (typeof a === "number" && typeof b === "number") { return a - b; }
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  }
  function sort(table, index, header) {
    var down = header.getAttribute("aria-sort") === "ascending";
    var body = table.tBodies[0];
    var rows = Array.prototype.map.call(body.rows, function (row, at) {
      return { row: row, at: at, key: key(row.cells[index]) };
    });
    rows.sort(function (x, y) {
      if (x.key === null || y.key === null) { return compare(x.key, y.key) || x.at - y.at; }
      return (down ? -1 : 1) * compare(x.key, y.key) || x.at - y.at;
    });
    rows.forEach(function (entry) { body.appendChild(entry.row); });
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell) {
      cell.removeAttribute("aria-sort");
    });
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
  }
  Array.prototype.forEach.call(document.querySelectorAll("table[data-sortable]"), function (table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (header, index) {
      var button = document.createElement("button");
      button.type = "button";
      while (header.firstChild) { button.appendChild(header.firstChild); }
      button.title = "Sort by this column";
      button.addEventListener("click", function () { sort(table, index, header); });
      header.appendChild(button);
    });
  });
  Array.prototype.forEach.call(document.querySelectorAll("input[data-table]"), function (input) {
    var body = document.getElementById(input.getAttribute("data-table")).tBodies[0];
    var count = document.getElementById(input.id.replace("filter-", "count-"));
    input.addEventListener("input", function () {
      var words = input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      var shown = 0;
      Array.prototype.forEach.call(body.rows, function (row) {
        var text = row.textContent.toLocaleLowerCase();
        var keep = words.every(function (word) { return text.indexOf(word) >= 0; });
        row.hidden = !keep;
        shown += keep ? 1 : 0;
      });
      count.textContent = shown + " of " + body.rows.length + " rows";
    });
  });
  function unfold() {
    Array.prototype.forEach.call(document.querySelectorAll("details"), function (part) { part.open = true; });
  }
  window.addEventListener("beforeprint", unfold);
}());
