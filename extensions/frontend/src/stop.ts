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

async function stop(): Promise<void> {
  const answer = await fetch(at("api/stop"), { method: "POST", headers: { "X-XSRFToken": facts.xsrf } });
  if (!answer.ok) {
    const said = (await answer.json().catch(() => ({}))) as { message?: string };
    throw new Error(said.message ?? `The session's server answered ${answer.status}.`);
  }
}
