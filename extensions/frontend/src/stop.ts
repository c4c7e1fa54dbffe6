// The Stop button: asks first, then has the hub end the session.
import { at, facts, find } from "./facts.js";

export function stopButton(): void {
  const dialog = find<HTMLDialogElement>("#stop");
  const wrong = find("#stop .wrong");
  const sure = find<HTMLButtonElement>('#stop button[value="yes"]');
  find("#stop-open").addEventListener("click", () => {
    wrong.hidden = true;
    dialog.showModal();
  });
  sure.addEventListener("click", (event) => {
    event.preventDefault();
    sure.disabled = true;
    sure.textContent = "Stopping…";
    stop().then(
      () => location.assign(`${facts.hub}home`),
      (error: Error) => {
        wrong.textContent = error.message;
        wrong.hidden = false;
        sure.disabled = false;
        sure.textContent = "Stop";
      },
    );
  });
}

/** Throws only what the session's server says against it: when it ends before it can answer, it has stopped. */
async function stop(): Promise<void> {
  const asked = fetch(at("api/stop"), { method: "POST", headers: { "X-XSRFToken": facts.xsrf } });
  const answer = await asked.catch(() => null);
  if (!answer || answer.ok) return;
  const said = (await answer.json().catch(() => ({}))) as { message?: string };
  if (said.message) throw new Error(said.message);
}
