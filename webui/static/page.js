// What the pages do beyond htmx. Everything works without it.
"use strict";

// A form is sent once: a second click while the first is under way would be answered with a conflict.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  window.setTimeout(() => delete form.dataset.sent, 3000);
});

// Going back shows the form again, ready to be sent.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
