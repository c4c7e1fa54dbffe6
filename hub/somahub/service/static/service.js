(() => {
  const loaded = Date.now();
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime), today = at.toDateString() === new Date().toDateString();
    time.textContent = at.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
  }
  setInterval(() => {
    for (const cost of document.querySelectorAll(".cost[data-live]")) {
      const usd = +cost.dataset.usd + (+cost.dataset.usdPerHour * (Date.now() - loaded)) / 3600000;
      cost.firstElementChild.textContent = usd > 0 && usd < 0.01 ? "<$0.01" : `$${usd.toFixed(2)}`;
    }
  }, 5000);
  for (const button of document.querySelectorAll("button.copy")) {
    const said = button.textContent;
    button.addEventListener("click", async () => {
      const code = document.getElementById(button.dataset.copies);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        // Not every page may write to the clipboard: only those over https, or of this machine.
        getSelection().selectAllChildren(code);
        button.textContent = "Press Ctrl+C";
      }
      setTimeout(() => (button.textContent = said), 2000);
    });
  }
})();
