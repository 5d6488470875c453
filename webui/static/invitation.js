// An invitation's code stands behind # in its link, which no browser sends anywhere; from there it goes into the form.
// Without scripts a person copies it there.
"use strict";

function open() {
  const code = window.location.hash.slice(1);
  if (!code) return;
  const form = document.querySelector("form[data-invitation]");
  history.replaceState(null, "", window.location.pathname);
  form.elements.secret.value = code;
  form.requestSubmit();
}

window.addEventListener("hashchange", open);
open();
