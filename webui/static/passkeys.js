// Passkeys: hands the server's options to the browser and the authenticator's answer back (Web Authentication Level 3).
// A form with data-passkey="get" or "create" and data-options="URL of the options" is sent with a field `answer`.
"use strict";

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) {
    form.hidden = true;
    continue;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const trouble = form.querySelector("[role=alert]");
    trouble.textContent = "";
    try {
      const options = await (await fetch(form.dataset.options)).json();
      const credential =
        form.dataset.passkey === "create"
          ? await navigator.credentials.create({
              publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
            })
          : await navigator.credentials.get({
              publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
            });
      const body = new URLSearchParams(new FormData(form));
      body.set("answer", JSON.stringify(credential.toJSON()));
      const response = await fetch(form.action, { method: "POST", body });
      const said = await response.json();
      if (response.ok) window.location.assign(said.next);
      else trouble.textContent = said.error;
    } catch (error) {
      if (error.name !== "NotAllowedError") trouble.textContent = form.dataset.failed;
      else trouble.textContent = form.dataset.cancelled;
    }
  });
}
