// Local times, and the live tail: rows come rendered from the server, and are put on top.
"use strict";

(() => {
  const short = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const earlier = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const long = { dateStyle: "medium", timeStyle: "short" };

  function localise(root) {
    for (const time of root.querySelectorAll("time:not([data-local])")) {
      const moment = new Date(time.dateTime);
      const today = moment.toDateString() === new Date().toDateString();
      const how = "long" in time.dataset ? long : today ? short : earlier;
      time.textContent = how === short
        ? moment.toLocaleTimeString([], how) : moment.toLocaleString([], how);
      time.title = time.dateTime;
      time.dataset.local = "";
    }
  }

  localise(document);
  // On a phone the navigation is wider than the screen.
  const here = document.querySelector('.top nav [aria-current="page"]');
  if (here) here.closest("nav").scrollLeft = here.offsetLeft - 16;
  // Parts of a page that htmx brought: their times, and their charts.
  document.addEventListener("htmx:after:swap", () => {
    localise(document);
    document.dispatchEvent(new Event("pointsman:shown"));
  });

  const table = document.getElementById("tail");
  if (!table) return;
  const body = table.tBodies[0];
  const state = document.getElementById("tail-state");
  const words = document.getElementById("tail-words");
  const said = document.getElementById("tail-said");
  const pause = document.getElementById("tail-pause");
  const most = Number(table.dataset.most);
  let cursor = table.dataset.cursor;
  let source = null;
  let waiting = 0; // receipts that nobody was told of yet
  let telling = null;

  function show(name, text) {
    state.dataset.state = name;
    words.textContent = text;
  }

  function open() {
    close();
    show("connecting", "connecting …");
    const address = new URL(table.dataset.live, location.href);
    if (cursor) address.searchParams.set("after", cursor);
    source = new EventSource(address);
    source.addEventListener("receipts", (event) => {
      cursor = event.lastEventId || cursor;
      show("live", "live");
      put(event.data);
    });
    source.addEventListener("well", (event) => {
      cursor = event.lastEventId || cursor;
      show("live", "live");
    });
    source.addEventListener("trouble", (event) => show("trouble", event.data));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) show("trouble", "not live; load the page again");
      else show("connecting", "connection lost; trying again …");
    });
  }

  function close() {
    source?.close();
    source = null;
  }

  function put(html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const rows = [...fresh.content.querySelectorAll("tr")]
      .filter((row) => !body.querySelector(`[data-receipt="${CSS.escape(row.dataset.receipt)}"]`));
    if (!rows.length) return;
    for (const row of rows) row.classList.add("fresh");
    body.prepend(...rows);
    while (body.rows.length > most) {
      const last = body.rows[body.rows.length - 1];
      if (last.contains(document.activeElement)) break; // never take away what has the focus
      last.remove();
    }
    document.getElementById("tail-empty").hidden = true;
    localise(body);
    tell(rows);
  }

  // One sentence every few seconds, however many receipts come: a screen reader reads them aloud.
  function tell(rows) {
    waiting += rows.length;
    if (telling) return;
    telling = setTimeout(() => {
      const newest = body.rows[0];
      const verdict = newest.querySelector(".verdict").textContent.trim();
      const [model, served] = [".what a", ".served"].map((each) => newest.querySelector(each).textContent);
      said.textContent = `${waiting} new. Last: ${model}, ${served}, ${verdict}.`;
      waiting = 0;
      telling = null;
    }, 1500);
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) {
      close();
      show("off", "paused");
    } else open();
  });
  // Nobody looks at a hidden page, and going on later from the cursor misses nothing.
  document.addEventListener("visibilitychange", () => {
    if (pause.getAttribute("aria-pressed") === "true") return;
    if (document.hidden) close();
    else open();
  });
  addEventListener("pagehide", close);
  open();
})();
