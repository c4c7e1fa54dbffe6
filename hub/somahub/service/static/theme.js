// Before anything is drawn: light or dark as on the hub's pages, where a person may have chosen.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const chosen = localStorage.getItem("jupyterhub-bs-theme");
    const theme = chosen === "light" || chosen === "dark" ? chosen : dark.matches ? "dark" : "light";
    document.documentElement.setAttribute("data-bs-theme", theme);
  };
  show();
  dark.addEventListener("change", show);
})();
