// Asks every few seconds whether the case still stands as this page shows it, while somebody looks at the page.
//
// If not, the page says so and offers to load it anew; it never does so by itself, or a half-filled form would be gone.
// Looking keeps no session alive: whoever is signed out meanwhile is asked no more.

const place = document.querySelector("[data-live]");
const { live, stands } = place.dataset;

async function look() {
  if (document.hidden) return;
  const answer = await fetch(live, { redirect: "error" }).catch(() => null);
  if (!answer) return;
  const now = answer.ok ? await answer.text() : stands;
  if (!answer.ok || now !== stands) clearInterval(turn);
  if (now !== stands) place.hidden = false;
}

const turn = setInterval(look, 3000);
