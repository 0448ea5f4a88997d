// Renews an element with data-refresh="seconds" from its own page. The server renders it, so that what is shown is what
// it would be without scripts. Waits while the page is hidden; says so when the server is lost.
import { setServerNow } from "./clocks.js";

function showLost(lost) {
  const shown = document.getElementById("lost");
  if (!lost) {
    shown?.remove();
  } else if (!shown) {
    const notice = document.createElement("p");
    notice.id = "lost";
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    notice.textContent = document.body.dataset.lost;
    document.querySelector("main").append(notice);
  }
}

// Nothing is replaced under a person's hands: focus inside, or text being selected.
function isInUse(element) {
  const selection = document.getSelection();
  return (
    (element.contains(document.activeElement) && document.activeElement !== document.body) ||
    (selection && !selection.isCollapsed && element.contains(selection.anchorNode))
  );
}

// A source's bar or a row keeps keyboard focus: only cells whose text changed are touched when the shape is the same.
// With data-whole all of it is replaced, and what has the focus gets it again; while a person reads in it (a fold-out is
// open, text is selected) only its progress moves on, until the end.
// A search that is gone stays as it was found: that nothing more comes is said where its progress stood.
function renewWhole(element, fresh) {
  if (fresh.dataset.gone) {
    element.querySelector(".progress").replaceWith(...fresh.childNodes);
    return;
  }
  const selection = document.getSelection();
  const selecting = selection && !selection.isCollapsed && element.contains(selection.anchorNode);
  if (fresh.dataset.refresh && (selecting || element.querySelector("details[open]"))) {
    const bar = fresh.querySelector("progress");
    if (bar) element.querySelector("progress").value = bar.value;
    return;
  }
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus();
}

function renew(element, fresh) {
  if (element.dataset.whole) {
    renewWhole(element, fresh);
    return;
  }
  const olds = element.querySelectorAll("dd, td, h1, h2");
  const news = fresh.querySelectorAll("dd, td, h1, h2");
  const rows = element.querySelectorAll("tbody th");
  const freshRows = fresh.querySelectorAll("tbody th");
  const same =
    olds.length === news.length &&
    rows.length === freshRows.length &&
    [...rows].every((row, i) => row.textContent === freshRows[i].textContent);
  if (!same) {
    if (!isInUse(element)) element.replaceWith(fresh);
    return;
  }
  olds.forEach((old, i) => {
    if (old.innerHTML !== news[i].innerHTML && !isInUse(old)) {
      old.className = news[i].className;
      old.replaceChildren(...news[i].childNodes);
    }
    const row = old.closest("tr");
    const freshRow = news[i].closest("tr");
    if (row && freshRow) row.className = freshRow.className;
  });
}

async function fetchPage(address) {
  const response = await fetch(address, {
    headers: { "X-Qorgan-Refresh": "1" },
    credentials: "same-origin",
    signal: AbortSignal.timeout(10000),
  });
  if (response.redirected) {
    location.assign(response.url); // the session has ended
    return null;
  }
  if (!response.ok && response.status !== 404) throw new Error(String(response.status)); // 404: the page says what is gone
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

export function startRefresh(root) {
  const id = root.querySelector("[data-refresh]")?.id;
  if (!id) return;
  const period = Number(root.getElementById(id).dataset.refresh) * 1000;
  let failures = 0;
  let done = false;
  const turn = async () => {
    if (!document.hidden) {
      try {
        const page = await fetchPage(root.getElementById(id).dataset.from ?? location.href);
        if (!page) return;
        const fresh = page.getElementById(id);
        if (!fresh) throw new Error(`no ${id}`);
        setServerNow(Number(page.body.dataset.now));
        renew(root.getElementById(id), fresh);
        failures = 0;
        done = !fresh.dataset.refresh;
      } catch {
        failures += 1;
      }
      showLost(failures > 1);
    }
    if (!done) setTimeout(turn, period * Math.min(1 + failures, 5));
  };
  setTimeout(turn, period);
}
