// Counts remaining times down once a second, by the server's clock: the page says what time it was when it was made.
const made = performance.now();
let serverAtMade = Number(document.body.dataset.now);

export function serverNow() {
  return serverAtMade + (performance.now() - made);
}

export function setServerNow(ms) {
  serverAtMade = ms - (performance.now() - made);
}

function pad(n) {
  return String(n).padStart(2, "0");
}

// The same text that the server writes: "2 d 03:04:05".
export function spanText(ms, dayLetter) {
  const s = Math.floor(Math.abs(ms) / 1000);
  const days = Math.floor(s / 86400);
  const clock = `${pad(Math.floor((s % 86400) / 3600))}:${pad(Math.floor((s % 3600) / 60))}:${pad(s % 60)}`;
  return days > 0 ? `${days}\u00a0${dayLetter} ${clock}` : clock;
}

function tick(root) {
  const now = serverNow();
  for (const clock of root.querySelectorAll(".clock[data-due]")) {
    const left = Number(clock.dataset.due) - now;
    const over = left < 0;
    clock.querySelector(".span").textContent = spanText(left, document.body.dataset.day);
    clock.querySelector(".word").textContent = over ? clock.dataset.over : clock.dataset.left;
    clock.classList.toggle("over", over);
    clock.classList.toggle("near", !over && left < 300000);
    clock.classList.toggle("calm", left >= 300000);
  }
}

export function startClocks(root) {
  tick(root);
  setInterval(() => tick(root), 1000);
}
