(() => {
  const hub = window.jhdata.base_url, page = document.getElementById("pending");
  const message = document.getElementById("progress-message"), bar = document.getElementById("progress");
  const log = document.getElementById("progress-log");
  const events = new EventSource(page.dataset.progress);
  let said = "";

  function show(event) {
    if (event.progress !== undefined) {
      bar.setAttribute("aria-valuenow", event.progress);
      bar.firstElementChild.style.width = `${event.progress}%`;
    }
    const words = (event.message || "").replace(/^Spawn failed: /, "");
    if (!words || words === said) return;
    said = message.textContent = words;
    const line = document.createElement("li");
    line.textContent = `${new Date().toLocaleTimeString()}  ${said}`;
    log.append(line);
  }

  function failed() {
    events.close();
    bar.classList.add("failed");
    message.classList.add("error-line");
    document.getElementById("after").hidden = false;
    document.getElementById("meanwhile").hidden = true;
  }

  events.onmessage = (text) => {
    const event = JSON.parse(text.data);
    if (event.ready) {
      events.close();
      location.replace(event.url);
      return;
    }
    show(event);
    if (event.failed) failed();
  };

  // The browser reconnects by itself; when it gives up (the hub is away), this page says so and asks again.
  events.onerror = () => {
    if (events.readyState !== EventSource.CLOSED) return;
    show({ message: "The hub does not answer; asking again…" });
    setTimeout(() => location.reload(), 2000);
  };

  document.getElementById("cancel").addEventListener("click", async (click) => {
    click.target.disabled = true;
    click.target.textContent = "Cancelling…";
    const url = `${hub}api/users/${encodeURIComponent(window.jhdata.user)}/servers/${encodeURIComponent(page.dataset.server)}`;
    const answer = await fetch(url, { method: "DELETE", headers: { "X-XSRFToken": window.jhdata.xsrf_token } });
    if (answer.ok) location.assign(`${hub}home`);
    else show({ message: `It could not be cancelled: ${(await answer.json().catch(() => ({}))).message || answer.statusText}` });
  });
})();
