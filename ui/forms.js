// Asks before a form with changed fields is left, and sends each form once.
export function guardForms(root) {
  let changed = false;
  let sending = false;
  for (const form of root.querySelectorAll("form.grid, form.guard")) {
    changed ||= "unsaved" in form.dataset; // what was typed came back with an answer, and is not saved
    form.addEventListener("input", () => (changed = true));
  }
  for (const form of root.querySelectorAll('form[method="post"]')) {
    form.addEventListener("submit", (event) => {
      if (sending) event.preventDefault();
      sending = true;
      if (form.matches(".grid, .guard")) changed = false;
      // a page brought back from the browser's memory may send again
      setTimeout(() => (sending = false), 5000);
    });
  }
  window.addEventListener("pageshow", () => (sending = false));
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}
