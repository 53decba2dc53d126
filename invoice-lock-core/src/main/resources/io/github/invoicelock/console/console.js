// Everything works without this. It shows times in the viewer's zone, copies keys, reads a file into a field, and refreshes the counts.
(function () {
  "use strict";

  function zoned(root) {
    root.querySelectorAll("time[datetime]").forEach(function (time) {
      var at = new Date(time.dateTime);
      if (isNaN(at) || time.title) { return; }
      time.title = time.dateTime;
      time.textContent = at.toLocaleString(undefined, {
        year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit"
      });
    });
  }

  function copies(root) {
    if (!navigator.clipboard) { return; }
    root.querySelectorAll("[data-copy]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent).then(function () {
          button.textContent = "Copied";
        });
      });
    });
  }

  function files(root) {
    root.querySelectorAll("[data-into]").forEach(function (input) {
      input.closest("label").hidden = false;
      input.addEventListener("change", function () {
        if (input.files.length) {
          input.files[0].text().then(function (text) { document.getElementById(input.dataset.into).value = text; });
        }
      });
    });
  }

  // What somebody is typing into, or has opened, stays as it is.
  function busy(part) {
    return part.contains(document.activeElement) || part.querySelector("details[open]");
  }

  function refresh() {
    return fetch(location.href, { credentials: "same-origin", headers: { "X-Requested-With": "console" } }).then(function (answer) {
      if (!answer.ok || answer.redirected) { throw new Error(String(answer.status)); }
      return answer.text();
    }).then(function (html) {
      var fresh = new DOMParser().parseFromString(html, "text/html");
      document.querySelectorAll("[data-live]").forEach(function (part) {
        var other = Array.prototype.find.call(fresh.querySelectorAll("[data-live]"), function (each) {
          return each.dataset.live === part.dataset.live;
        });
        if (other && !busy(part)) {
          part.replaceWith(other);
          zoned(other);
        }
      });
    });
  }

  function live(button) {
    var running = true;
    button.hidden = false;
    button.addEventListener("click", function () {
      running = !running;
      button.textContent = running ? "Pause refreshing" : "Refresh again";
    });
    setInterval(function () {
      if (running && !document.hidden) {
        refresh().catch(function () {
          running = false;
          button.textContent = "Refreshing failed. Try again";
        });
      }
    }, 5000);
  }

  zoned(document);
  copies(document);
  files(document);
  var button = document.getElementById("live");
  if (button) { live(button); }
})();
