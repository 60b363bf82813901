// Before the first paint: no flash of the wrong theme, no flash of what needs JavaScript.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("metaflow-backends-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // Storage may be closed to local files: the theme of the system is used.
  }
})();
