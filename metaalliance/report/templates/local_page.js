(function () {
  "use strict";
  var byId = function (id) { return document.getElementById(id); };
  var largest = Number(document.body.dataset.largest);

  function say(sentence) {
    byId("message").textContent = sentence;
    byId("message").hidden = false;
  }

  function gone() { say("metaalliance does not answer; it has been stopped."); }

  function send(file) {
    if (file.size > largest) {
      say("The workbook is larger than " + Math.floor(largest / 1048576) + " MB.");
      return;
    }
    byId("message").hidden = true;
    byId("drop").setAttribute("aria-busy", "true");
    fetch("analyse?nonsignificant=" + encodeURIComponent(byId("policy").value), {
      method: "POST", body: file,
      headers: {"Content-Type": "application/octet-stream", "X-File-Name": encodeURIComponent(file.name)}
    }).then(function (answer) {
      if (answer.ok) { location.reload(); return undefined; }
      return answer.text().then(say);
    }).catch(gone).then(function () { byId("drop").removeAttribute("aria-busy"); });
  }

  function watch() {
    fetch("status").then(function (answer) { return answer.json(); }).then(function (state) {
      if (state.stage !== document.body.dataset.stage) { location.reload(); return; }
      byId("seconds").textContent = "(" + state.seconds + " s)";
      setTimeout(watch, 700);
    }).catch(gone);
  }

  if (byId("form")) {
    var drop = byId("drop");
    byId("form").addEventListener("submit", function (event) { event.preventDefault(); });
    byId("file").addEventListener("change", function () { if (this.files.length) { send(this.files[0]); } });
    ["dragover", "drop"].forEach(function (name) {
      document.addEventListener(name, function (event) { event.preventDefault(); });
    });
    drop.addEventListener("dragover", function () { drop.classList.add("over"); });
    drop.addEventListener("dragleave", function () { drop.classList.remove("over"); });
    drop.addEventListener("drop", function (event) {
      drop.classList.remove("over");
      var files = event.dataTransfer.files;
      if (files.length === 1) { send(files[0]); } else { say("Drop one workbook at a time."); }
    });
  } else {
    watch();
  }
  byId("stop").addEventListener("click", function () {
    fetch("stop", {method: "POST"}).then(function (answer) { return answer.text(); }).then(function (sentence) {
      document.querySelector("main").textContent = sentence;
      byId("stop").disabled = true;
    }).catch(gone);
  });
}());
