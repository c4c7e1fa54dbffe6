(() => {
  const hub = window.jhdata.base_url, person = window.jhdata.user;
  const api = (server) => `${hub}api/users/${encodeURIComponent(person)}/servers/${encodeURIComponent(server)}`;
  const headers = { "X-XSRFToken": window.jhdata.xsrf_token };
  const loaded = Date.now();

  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime), today = at.toDateString() === new Date().toDateString();
    time.textContent = at.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
  }

  const tick = () => {
    for (const cost of document.querySelectorAll(".cost[data-live]")) {
      const usd = +cost.dataset.usd + (+cost.dataset.usdPerHour * (Date.now() - loaded)) / 3600000;
      cost.firstElementChild.textContent = usd > 0 && usd < 0.01 ? "<$0.01" : `$${usd.toFixed(2)}`;
    }
  };
  setInterval(tick, 5000);

  async function gone(server) {
    for (;;) {
      const user = await (await fetch(`${hub}api/users/${encodeURIComponent(person)}`, { headers })).json();
      if (!user.servers || !user.servers[server]) return;
      await new Promise((next) => setTimeout(next, 300));
    }
  }

  for (const button of document.querySelectorAll("button.stop")) {
    button.addEventListener("click", async () => {
      const row = button.closest(".running"), state = row.querySelector(".state");
      if (!confirm(`Stop ${row.getAttribute("aria-label")}? Its windows close; what is not saved is lost. Files stay.`)) return;
      row.querySelectorAll(".btn").forEach((b) => (b.hidden = true));
      row.querySelector(".dot").classList.add("pending");
      state.textContent = "Stopping…";
      const answer = await fetch(api(button.dataset.server), { method: "DELETE", headers });
      if (answer.ok) await gone(button.dataset.server);
      else {
        const problem = (await answer.json().catch(() => ({}))).message || answer.statusText;
        alert(`It could not be stopped: ${problem}`);
      }
      location.assign(`${hub}home`);
    });
  }

  for (const form of document.querySelectorAll("form.card-profile")) {
    form.addEventListener("submit", () => {
      const button = form.querySelector("button.start");
      button.disabled = true;
      button.textContent = "Starting…";
    });
  }
  // A page that the browser kept from before "back" was pressed may say what is no longer so.
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
