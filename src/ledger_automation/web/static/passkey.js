// Asks a passkey for what the page's form wants, and sends its answer; whether that holds is the server's to say.
//
// A form with data-passkey="create" registers one, with data-passkey="get" it signs the challenge. All that the script
// needs stands in the form's data attributes, and all words that it shows in the page. Bytes are base64url.

const form = document.querySelector("form[data-passkey]");
const { passkey, challenge, host, user, name, credentials } = form.dataset;

const octets = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const known = credentials.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: octets(id) }));

async function created() {
  const { response } = await navigator.credentials.create({
    publicKey: {
      challenge: octets(challenge),
      rp: { id: host, name: host },
      user: { id: octets(user), name, displayName: name },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }], // ES256
      authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
      excludeCredentials: known,
      attestation: "none",
    },
  });
  return { client: response.clientDataJSON, authenticator: response.getAuthenticatorData() };
}

async function asserted() {
  const { rawId, response } = await navigator.credentials.get({
    publicKey: { challenge: octets(challenge), rpId: host, allowCredentials: known, userVerification: "required" },
  });
  return {
    _credential: rawId,
    _client: response.clientDataJSON,
    _authenticator: response.authenticatorData,
    _signature: response.signature,
  };
}

const button = form.querySelector("button");
const failed = form.querySelector("[data-failed]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  failed.hidden = true;
  try {
    const answer = await (passkey === "create" ? created() : asserted());
    for (const [field, value] of Object.entries(answer)) form.elements[field].value = text(value);
    form.submit();
  } catch {
    failed.hidden = false; // the passkey was not there, or whoever holds it said no
    button.disabled = false;
  }
});
form.hidden = false;
