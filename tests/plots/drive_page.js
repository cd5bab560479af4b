// Drives the interactive forest plot as a reader would; leaves what it found in the page.
(function () {
  var byId = function (id) { return document.getElementById(id); };
  var rows = JSON.parse(byId("data").textContent);
  function visible() {
    var nodes = Array.prototype.slice.call(document.querySelectorAll(".row:not(.hidden)"));
    nodes.sort(function (a, b) { return a.getBoundingClientRect().top - b.getBoundingClientRect().top; });
    return nodes.map(function (n) { return Number(n.id.slice(4)); });
  }
  function fire(node, name) { node.dispatchEvent(new Event(name, {bubbles: true})); }
  function overlaps() {
    var boxes = visible().map(function (i) { return byId("row-" + i).querySelector(".back").getBoundingClientRect(); });
    return boxes.some(function (b, i) { return i && b.top < boxes[i - 1].bottom - 0.5; });
  }
  var out = {};
  out.start = visible(); out.startOverlap = overlaps();
  byId("sort").value = "effect"; fire(byId("sort"), "change");
  out.sorted = visible(); out.sortedOverlap = overlaps();
  byId("descending").checked = true; fire(byId("descending"), "change");
  out.descending = visible();
  byId("sort").value = ""; fire(byId("sort"), "change");
  byId("group").value = "CBT"; fire(byId("group"), "change");
  out.group = visible(); out.groupText = byId("shown").textContent; out.groupOverlap = overlaps();
  byId("group").value = ""; fire(byId("group"), "change");
  byId("search").value = "HORVATH"; fire(byId("search"), "input");
  out.search = visible();
  byId("search").value = "no such study"; fire(byId("search"), "input");
  out.none = visible();
  byId("search").value = ""; fire(byId("search"), "input");
  var first = rows.findIndex(function (r) { return r.kind === "study"; });
  byId("row-" + first).dispatchEvent(new MouseEvent("mousemove", {bubbles: true, clientX: 50, clientY: 50}));
  out.tip = byId("tip").textContent; out.tipShown = getComputedStyle(byId("tip")).display;
  byId("row-" + first).dispatchEvent(new MouseEvent("mouseleave"));
  out.tipHidden = getComputedStyle(byId("tip")).display;
  document.querySelector('.head[data-key="n"]').dispatchEvent(new MouseEvent("click", {bubbles: true}));
  out.clicked = visible(); out.sortValue = byId("sort").value;
  out.images = document.images.length; out.scripts = document.scripts.length;
  out.title = document.title;
  var box = byId("plot").getBoundingClientRect();
  out.outside = Array.prototype.filter.call(byId("plot").querySelectorAll("text"), function (t) {
    var b = t.getBoundingClientRect();
    return b.width && (b.left < box.left - 1 || b.right > box.right + 1 || b.bottom > box.bottom + 1);
  }).map(function (t) { return t.textContent; });
  byId("found").textContent = JSON.stringify(out);
}());
